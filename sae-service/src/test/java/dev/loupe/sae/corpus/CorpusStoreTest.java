package dev.loupe.sae.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.sae.SaeClient;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusStoreTest {
  @TempDir Path root;

  @Test
  void givesBackWhatWasStored() throws Exception {
    List<int[]> rows = SaeClient.randomRows(300, 1);
    try (Corpus corpus = CorpusFixture.open(root, "some", rows)) {
      assertThat(corpus.rows()).isEqualTo(300);
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (int i = 0; i < rows.size(); i++) {
        assertThat(corpus.row(i)).isEqualTo(rows.get(i));
        assertThat(corpus.length(i)).isEqualTo(rows.get(i).length);
        ByteBuffer bytes =
            ByteBuffer.allocate(4 + 4 * rows.get(i).length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(rows.get(i).length).asIntBuffer().put(rows.get(i));
        digest.update(bytes.array());
      }
      assertThat(corpus.description().sha256())
          .isEqualTo(HexFormat.of().formatHex(digest.digest()));
      assertThat(corpus.description().longestRow())
          .isEqualTo(rows.stream().mapToInt(row -> row.length).max().orElseThrow());
    }
    assertThat(new CorpusStore(root).list()).extracting(CorpusDescription::id).containsOnly("some");
  }

  @Test
  void leavesNothingWhenItsRowsEndInAnError() throws IOException {
    CorpusStore store = new CorpusStore(root);
    Iterator<int[]> breaking =
        new Iterator<>() {
          private int count;

          @Override
          public boolean hasNext() {
            return true;
          }

          @Override
          public int[] next() {
            if (count++ == 10) {
              throw LoupeException.of(ErrorReason.CALL_CANCELLED, "the client is gone");
            }
            return new int[] {1, 2, 3};
          }
        };
    assertThatThrownBy(() -> store.create("gone", "m", "", breaking))
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.CALL_CANCELLED));
    assertThat(Files.list(root)).isEmpty();
  }

  @Test
  void leavesOutDamagedCorporaAndWhatAProcessLeftHalfWritten() throws IOException {
    CorpusFixture.open(root, "good", SaeClient.randomRows(3, 1)).close();
    CorpusFixture.open(root, "short", SaeClient.randomRows(3, 1)).close();
    Path tokens = root.resolve("short/tokens.bin");
    Files.write(tokens, new byte[] {1, 2, 3});
    Files.createDirectories(root.resolve(".partial-x-1"));
    CorpusStore store = new CorpusStore(root);
    assertThat(store.list()).extracting(CorpusDescription::id).containsExactly("good");
    assertThat(root.resolve(".partial-x-1")).doesNotExist();
    assertThatThrownBy(() -> store.open("short"))
        .satisfies(
            e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.STORAGE_UNAVAILABLE));
  }

  @Test
  void refusesATakenIdAndAnEmptyCorpus() {
    CorpusFixture.open(root, "some", SaeClient.randomRows(3, 1)).close();
    CorpusStore store = new CorpusStore(root);
    assertThatThrownBy(() -> store.create("some", "m", "", List.of(new int[] {1}).iterator()))
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.CORPUS_EXISTS));
    assertThatThrownBy(() -> store.create("none", "m", "", List.<int[]>of().iterator()))
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.INVALID_VALUE));
    store.delete("some");
    assertThatThrownBy(() -> store.describe("some"))
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.CORPUS_NOT_FOUND));
  }
}
