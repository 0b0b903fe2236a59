package dev.loupe.inference.grpc.requests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.server.errors.LoupeException;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SeenIdsTest {
  @Test
  void refusesWhatASetHolds() {
    SplittableRandom random = new SplittableRandom(9);
    SeenIds seen = new SeenIds();
    Set<Long> slow = new HashSet<>();
    for (int i = 0; i < 20_000; i++) {
      long id = random.nextLong(-5_000, 5_000);
      if (slow.add(id)) {
        seen.add(id);
      } else {
        assertThatThrownBy(() -> seen.add(id)).isInstanceOf(LoupeException.class);
      }
    }
    assertThat(slow).hasSizeGreaterThan(5_000);
  }

  @Test
  void holdsTheLargestIds() {
    SeenIds seen = new SeenIds();
    seen.add(Long.MAX_VALUE);
    seen.add(Long.MIN_VALUE);
    assertThatThrownBy(() -> seen.add(Long.MAX_VALUE)).isInstanceOf(LoupeException.class);
  }

  @Test
  void refusesIdsThatAreScatteredWithoutEnd() {
    SeenIds seen = new SeenIds();
    assertThatThrownBy(
            () -> {
              for (long id = 0; id < 500_000; id += 2) {
                seen.add(id);
              }
            })
        .isInstanceOf(LoupeException.class)
        .hasMessageContaining("count them up");
  }
}
