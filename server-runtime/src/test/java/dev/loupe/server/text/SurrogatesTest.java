package dev.loupe.server.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SurrogatesTest {
  @Test
  void findsTheFirstHalfThatStandsAlone() {
    assertThat(Surrogates.firstHalf("")).isEqualTo(-1);
    assertThat(Surrogates.firstHalf("a\ud83d\ude00b")).isEqualTo(-1);
    assertThat(Surrogates.firstHalf("a\ud83d")).isEqualTo(1);
    assertThat(Surrogates.firstHalf("\ude00a")).isZero();
    assertThat(Surrogates.firstHalf("\ud83d\ude00\ude00")).isEqualTo(2);
    assertThat(Surrogates.firstHalf("\ud83d\ud83d\ude00")).isZero();
  }
}
