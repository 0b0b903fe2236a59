package dev.loupe.features.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.loupe.features.domain.ActivationHistogram;
import dev.loupe.features.domain.FeatureDetails;
import dev.loupe.features.domain.FeatureExample;
import dev.loupe.features.domain.FeatureNeighbour;
import dev.loupe.features.domain.TokenEffect;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DetailsCodecTest {
  private static final FeatureDetails DETAILS =
      new FeatureDetails(
          Optional.of(
              new ActivationHistogram(-0.0, 1e300, List.of(0L, 127L, 128L, Long.MAX_VALUE))),
          List.of(
              new FeatureExample(List.of("", " Ünï", "\0"), List.of(-1f, Float.MIN_VALUE, 0f), 2)),
          List.of(new TokenEffect(Integer.MAX_VALUE, "中", 1.5f)),
          List.of(),
          List.of(new FeatureNeighbour(1L << 40, -1)));

  @Test
  void givesBackWhatItTook() {
    assertThat(DetailsCodec.decode(DetailsCodec.encode(DETAILS))).isEqualTo(DETAILS);
    FeatureDetails empty =
        new FeatureDetails(Optional.empty(), List.of(), List.of(), List.of(), List.of());
    assertThat(DetailsCodec.decode(DetailsCodec.encode(empty))).isEqualTo(empty);
    assertThat(DetailsCodec.encode(empty)).hasSize(6);
  }

  @Test
  void refusesBytesThatAreCutOff() {
    byte[] bytes = DetailsCodec.encode(DETAILS);
    for (int length = 0; length < bytes.length; length++) {
      byte[] cut = Arrays.copyOf(bytes, length);
      assertThat(catchThrowable(() -> DetailsCodec.decode(cut)))
          .as("%d bytes", length)
          .isInstanceOf(UncheckedIOException.class);
    }
  }

  @Test
  void damagedBytesNeverDoMoreThanBeRefused() {
    Random random = new Random(3);
    byte[] bytes = DetailsCodec.encode(DETAILS);
    int refused = 0;
    for (int round = 0; round < 20_000; round++) {
      byte[] damaged = bytes.clone();
      for (int i = 0; i <= random.nextInt(3); i++) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      Throwable failure = catchThrowable(() -> DetailsCodec.decode(damaged));
      if (failure != null) {
        assertThat(failure).isInstanceOf(UncheckedIOException.class);
        refused++;
      }
    }
    assertThat(refused).isPositive();
  }

  @Test
  void refusesOtherVersions() {
    byte[] bytes = DetailsCodec.encode(DETAILS);
    bytes[0] = 2;
    assertThat(catchThrowable(() -> DetailsCodec.decode(bytes)).getCause())
        .hasMessageContaining("version 2");
  }
}
