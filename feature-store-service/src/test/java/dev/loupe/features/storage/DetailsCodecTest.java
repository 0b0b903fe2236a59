package dev.loupe.features.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.loupe.features.domain.ActivationHistogram;
import dev.loupe.features.domain.FeatureDetails;
import dev.loupe.features.domain.FeatureExample;
import dev.loupe.features.domain.FeatureNeighbour;
import dev.loupe.features.domain.LogitEffects;
import dev.loupe.features.domain.TokenEffect;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DetailsCodecTest {
  /** A feature's details as version 1 laid them out, byte by byte. */
  static final String FIRST_VERSION =
      "01"
          + ("01" + "0000000000000000" + "4010000000000000" + "02" + "03" + "c801")
          + ("01" + "02" + "03436166" + "02c3a9" + "00000000" + "40200000" + "01")
          + ("01" + "ac02" + "0420626172" + "3fc00000")
          + ("01" + "02" + "0178" + "bf800000")
          + ("01" + "07" + "3f000000");

  private static final FeatureDetails DETAILS =
      new FeatureDetails(
          Optional.of(
              new ActivationHistogram(-0.0, 1e300, List.of(0L, 127L, 128L, Long.MAX_VALUE))),
          List.of(
              new FeatureExample(
                  List.of("", " Ünï", "\0"),
                  List.of(-1f, Float.MIN_VALUE, 0f),
                  2,
                  List.of(0, 300, Integer.MAX_VALUE),
                  " Ünï🦜",
                  List.of(0, 8, 10)),
              new FeatureExample(List.of("a"), List.of(1f), 0, List.of(), "", List.of())),
          new LogitEffects(
              List.of(new TokenEffect(Integer.MAX_VALUE, "中", 1.5f)),
              List.of(),
              List.of(new TokenEffect(1, "raw", -2)),
              List.of(new TokenEffect(2, "low", -3), new TokenEffect(3, "", 0)),
              12.5),
          List.of(new FeatureNeighbour(1L << 40, -1)));

  @Test
  void givesBackWhatItTook() {
    assertThat(DetailsCodec.decode(DetailsCodec.encode(DETAILS))).isEqualTo(DETAILS);
    FeatureDetails empty =
        new FeatureDetails(Optional.empty(), List.of(), LogitEffects.NONE, List.of());
    assertThat(DetailsCodec.decode(DetailsCodec.encode(empty))).isEqualTo(empty);
    assertThat(DetailsCodec.encode(empty)).hasSize(16);
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
  void readsWhatTheFirstVersionWrote() {
    FeatureDetails old = DetailsCodec.decode(HexFormat.of().parseHex(FIRST_VERSION));
    assertThat(old)
        .isEqualTo(
            new FeatureDetails(
                Optional.of(new ActivationHistogram(0, 4, List.of(3L, 200L))),
                List.of(
                    new FeatureExample(
                        List.of("Caf", "é"), List.of(0f, 2.5f), 1, List.of(), "", List.of())),
                new LogitEffects(
                    List.of(new TokenEffect(300, " bar", 1.5f)),
                    List.of(new TokenEffect(2, "x", -1)),
                    List.of(),
                    List.of(),
                    0),
                List.of(new FeatureNeighbour(7, 0.5f))));
  }

  @Test
  void refusesOtherVersions() {
    byte[] bytes = DetailsCodec.encode(DETAILS);
    for (byte version : new byte[] {0, 3, -1}) {
      bytes[0] = version;
      assertThat(catchThrowable(() -> DetailsCodec.decode(bytes)).getCause())
          .hasMessageContaining("version " + version);
    }
  }
}
