package dev.loupe.standalone.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableList;
import dev.loupe.standalone.corpus.LabelledDocument;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileTextTest {
  @TempDir private Path folder;

  @Test
  void everyLineOfJsonIsADocumentAndOneInEightIsHeldOut() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 16; i++) {
      lines.append("{\"id\": ").append(i).append(", \"text\": \"line ").append(i).append("\"}\n");
    }
    FileText text = new FileText(write("a.jsonl", lines.toString()));

    assertThat(texts(text.heldOut())).containsExactly("line 0", "line 8");
    assertThat(texts(text.training())).hasSize(14).doesNotContain("line 0", "line 8");
    assertThat(text.concepts()).isEmpty();
  }

  @Test
  void aFoldersTextsAreReadInOrderAndOtherFilesAreLeftAlone() throws IOException {
    write("b.txt", "second");
    write("sub/c.TXT", "third");
    write("a.txt", "first");
    write("notes.md", "not this");

    FileText text = new FileText(folder);

    assertThat(text.description()).contains("3 files");
    assertThat(texts(text.heldOut())).containsExactly("first");
    assertThat(texts(text.training())).containsExactly("second", "third");
  }

  @Test
  void aLongTextIsCutIntoPiecesThatLoseNothing() throws IOException {
    String line = "All work and no play makes a dull text. ".repeat(10) + "\n";
    String whole = line.repeat(40);
    List<String> pieces = ImmutableList.copyOf(DocumentFile.open(write("long.txt", whole)));

    assertThat(pieces.size()).isGreaterThan(3);
    assertThat(String.join("", pieces)).isEqualTo(whole);
  }

  @Test
  void aLongTextIsCutBetweenCharacters() throws IOException {
    String emoji = "\ud83d\ude00";
    Path file = write("long.jsonl", "{\"text\": \"a" + emoji.repeat(60_000) + "\"}");

    String text = DocumentFile.open(file).next();

    assertThat(text).hasSize(99_999).endsWith(emoji);
  }

  @Test
  void theFingerprintChangesWithTheFiles() throws IOException {
    Path file = write("a.txt", "text");
    String before = new FileText(file).fingerprint();

    assertThat(new FileText(file).fingerprint()).isEqualTo(before);
    write("a.txt", "text, and more");
    assertThat(new FileText(file).fingerprint()).isNotEqualTo(before);
  }

  @Test
  void whatIsWrongIsSaidWithFileAndLine() throws IOException {
    assertRefused(folder.resolve("missing"), "does not exist");
    assertRefused(folder, "no .txt or .jsonl file");
    assertRefused(write("a.csv", "a,b"), "no .txt file");
    assertRefused(write("empty.txt", " \n\n"), "holds no text");
    assertRefused(write("bad.jsonl", "{\"text\": \"ok\""), "line 1", "not JSON");
    assertRefused(write("number.jsonl", "{\"text\": 3}"), "line 1", "\"text\"");
    assertRefused(
        write("half.jsonl", "{\"text\": \"ab\\ud83d\"}"),
        "line 1",
        "\\ud83d, at character 2 of its text");
    Path latin = folder.resolve("latin.txt");
    Files.write(latin, "caf\u00e9".getBytes(StandardCharsets.ISO_8859_1));
    assertRefused(latin, "latin.txt", "not UTF-8");
  }

  private static void assertRefused(Path path, CharSequence... words) {
    assertThatThrownBy(() -> new FileText(path))
        .isInstanceOf(DemoException.class)
        .hasMessageContainingAll(words);
  }

  private static List<String> texts(Iterator<LabelledDocument> documents) {
    return ImmutableList.copyOf(documents).stream().map(LabelledDocument::text).toList();
  }

  private Path write(String name, String content) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, content);
  }
}
