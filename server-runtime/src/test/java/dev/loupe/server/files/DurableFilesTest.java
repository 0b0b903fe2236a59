package dev.loupe.server.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.server.testing.ForcedFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Windows can force no folder, so there is nothing to see there. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "it cannot force a folder to the disk")
class DurableFilesTest {
  @TempDir Path folder;

  @Test
  void aFileIsOnTheDiskBeforeTheFolderThatNamesIt() throws IOException {
    Path file = folder.resolve("file");
    for (String content : List.of("old", "new")) {
      List<Path> forced =
          ForcedFiles.during(folder, () -> DurableFiles.write(file, bytes(content)));
      assertThat(forced).hasSize(2);
      assertThat(forced.get(0).getFileName().toString()).startsWith(".file.").endsWith(".partial");
      assertThat(forced.get(1)).isEqualTo(folder);
      assertThat(file).hasContent(content);
    }
    assertThat(names()).containsExactly("file");
  }

  @Test
  void aWriteThatFailsLeavesTheFileAsItWas() throws IOException {
    Path file = folder.resolve("file");
    DurableFiles.write(file, bytes("old"));
    assertThatThrownBy(
            () ->
                DurableFiles.write(
                    file,
                    channel -> {
                      channel.write(ByteBuffer.wrap(bytes("ne")));
                      throw new IOException("no room");
                    }))
        .hasMessage("no room");
    assertThat(file).hasContent("old");
    assertThat(names()).containsExactly("file");
  }

  @Test
  void foldersThatAreMadeAreNamedOnTheDisk() throws IOException {
    Path deep = folder.resolve("a/b");
    assertThat(ForcedFiles.during(folder, () -> DurableFiles.createFolders(deep)))
        .containsExactly(folder, folder.resolve("a"));
    assertThat(deep).isDirectory();
    assertThat(ForcedFiles.during(folder, () -> DurableFiles.createFolders(deep))).isEmpty();
  }

  @Test
  void bothFoldersOfAMoveAreForced() throws IOException {
    Path from = Files.createDirectories(folder.resolve("a")).resolve("x");
    Path to = Files.createDirectories(folder.resolve("b")).resolve("y");
    DurableFiles.write(from, bytes("content"));
    assertThat(ForcedFiles.during(folder, () -> DurableFiles.move(from, to)))
        .containsExactly(folder.resolve("b"), folder.resolve("a"));
    assertThat(to).hasContent("content");
  }

  @Test
  void whatIsDeletedIsGoneFromTheDisk() throws IOException {
    Path file = folder.resolve("file");
    DurableFiles.write(file, bytes("old"));
    assertThat(ForcedFiles.during(folder, () -> DurableFiles.deleteIfExists(file)))
        .containsExactly(folder);
    assertThat(ForcedFiles.during(folder, () -> DurableFiles.deleteIfExists(file))).isEmpty();
  }

  @Test
  void aTreeIsForcedWhole() throws IOException {
    Path tree = Files.createDirectories(folder.resolve("tree/inner"));
    Path inner = Files.write(tree.resolve("file"), bytes("a"));
    Path outer = Files.write(folder.resolve("tree/file"), bytes("b"));
    assertThat(ForcedFiles.during(folder, () -> DurableFiles.syncTree(folder.resolve("tree"))))
        .containsExactlyInAnyOrder(folder.resolve("tree"), tree, inner, outer);
  }

  @Test
  void whatWasCutShortIsRemoved() throws IOException {
    Files.write(folder.resolve(".file.1234.partial"), bytes("cut"));
    Files.write(folder.resolve("file"), bytes("whole"));
    DurableFiles.removePartial(folder);
    DurableFiles.removePartial(folder.resolve("never"));
    assertThat(names()).containsExactly("file");
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(path -> path.getFileName().toString()).toList();
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
