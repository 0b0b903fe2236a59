package dev.loupe.server.operations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.longrunning.Operation;
import com.google.protobuf.Any;
import com.google.protobuf.StringValue;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.testing.ForcedFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class FolderOperationStoreTest {
  @TempDir Path folder;

  private static OperationRecord record(String name, String progress) {
    return new OperationRecord(
        Operation.newBuilder()
            .setName(name)
            .setMetadata(Any.pack(StringValue.of(progress)))
            .build(),
        Any.pack(StringValue.of("request of " + name)));
  }

  @Test
  void whatIsPutIsThereForTheNextProcess() {
    OperationStore store = OperationStore.inFolder(folder);
    store.put(record("dictionaries/b/operations/op-1", "1"));
    store.put(record("dictionaries/a/operations/op-2", "1"));
    store.put(record("dictionaries/a/operations/op-2", "2"));
    store.put(record("dictionaries/a/operations/op-3", "1"));
    store.delete("dictionaries/a/operations/op-3");
    store.delete("dictionaries/a/operations/op-never");

    OperationStore next = OperationStore.inFolder(folder);
    assertThat(next.list())
        .containsExactly(
            record("dictionaries/a/operations/op-2", "2"),
            record("dictionaries/b/operations/op-1", "1"));
    assertThat(next.get("dictionaries/b/operations/op-1"))
        .contains(record("dictionaries/b/operations/op-1", "1"));
    assertThat(next.get("dictionaries/a/operations/op-3")).isEmpty();
  }

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "it cannot force a folder to the disk")
  void whatIsPutOrDeletedIsOnTheDisk() throws IOException {
    OperationStore store = OperationStore.inFolder(folder);
    OperationRecord record = record("dictionaries/a/operations/op-1", "1");
    assertThat(ForcedFiles.during(folder, () -> store.put(record))).hasSize(2).endsWith(folder);
    assertThat(ForcedFiles.during(folder, () -> store.delete(record.name())))
        .containsExactly(folder);
  }

  @Test
  void everyCutOrChangedFileIsLeftAloneAndTheOthersAreServed() throws IOException {
    OperationStore.inFolder(folder).put(record("dictionaries/a/operations/op-1", "progress"));
    Path good = folder.resolve("dictionaries+a+operations+op-1.operation");
    byte[] bytes = Files.readAllBytes(good);
    Path bad = folder.resolve("dictionaries+b+operations+op-2.operation");
    for (int length = 0; length <= bytes.length; length++) {
      // Whole but under another operation's name, too.
      Files.write(bad, Arrays.copyOf(bytes, length));
      assertThat(OperationStore.inFolder(folder).list())
          .as("cut at %d", length)
          .extracting(OperationRecord::name)
          .containsExactly("dictionaries/a/operations/op-1");
      assertThat(bad).exists();
    }
  }

  @Test
  void aWriteThatWasCutByACrashLeavesTheOldState() throws IOException {
    OperationStore.inFolder(folder).put(record("dictionaries/a/operations/op-1", "old"));
    Path cut = folder.resolve(".dictionaries+a+operations+op-1.operation.4711.partial");
    Files.write(cut, new byte[] {7, 1});
    OperationStore next = OperationStore.inFolder(folder);
    assertThat(cut).doesNotExist();
    assertThat(next.list()).isEqualTo(List.of(record("dictionaries/a/operations/op-1", "old")));
    next.put(record("dictionaries/a/operations/op-1", "new"));
    assertThat(OperationStore.inFolder(folder).list())
        .isEqualTo(List.of(record("dictionaries/a/operations/op-1", "new")));
  }

  @Test
  void aFolderThatCannotBeWrittenGivesAClearErrorAndKeepsWhatThereWas() throws IOException {
    Path file = Files.createFile(folder.resolve("not-a-folder"));
    assertThatThrownBy(() -> OperationStore.inFolder(file))
        .satisfies(FolderOperationStoreTest::isUnavailable);

    OperationStore store = OperationStore.inFolder(folder.resolve("operations"));
    store.put(record("dictionaries/a/operations/op-1", "old"));
    // A file is in the folder's place, so it cannot be written, whoever runs the test.
    Path away = Files.move(folder.resolve("operations"), folder.resolve("away"));
    Files.createFile(folder.resolve("operations"));
    assertThatThrownBy(() -> store.put(record("dictionaries/a/operations/op-1", "new")))
        .satisfies(FolderOperationStoreTest::isUnavailable);
    assertThat(store.get("dictionaries/a/operations/op-1"))
        .contains(record("dictionaries/a/operations/op-1", "old"));
    assertThat(OperationStore.inFolder(away).list()).isEqualTo(store.list());
  }

  private static void isUnavailable(Throwable t) {
    assertThat(t)
        .isInstanceOfSatisfying(
            LoupeException.class,
            e -> assertThat(e.reason()).isEqualTo(ErrorReason.STORAGE_UNAVAILABLE));
  }
}
