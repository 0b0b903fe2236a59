package dev.loupe.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which pages may call. */
class OriginsTest {
  @ParameterizedTest
  @CsvSource({
    "https://lab.example, loupe.internal, true",
    "https://lab.example:8443, loupe.internal, false",
    "http://lab.example, loupe.internal, false",
    "https://loupe.example, loupe.example, true",
    "https://Loupe.Example, loupe.example:443, true",
    "http://loupe.example, loupe.example:80, true",
    "http://loupe.example:8080, loupe.example:8080, true",
    "http://loupe.example:8080, loupe.example, false",
    "https://other.example, loupe.example, false",
    "http://localhost:3000, loupe.example, true",
    "null, loupe.example, false",
    "'', loupe.example, false",
    "file://, loupe.example, false",
  })
  void itsOwnThoseOfThisMachineAndThoseThatAreNamed(
      String origin, String authority, boolean allowed) {
    assertThat(new Origins(List.of("https://lab.example")).allows(origin, authority))
        .isEqualTo(allowed);
    assertThat(new Origins(List.of("*")).allows(origin, authority)).isTrue();
  }
}
