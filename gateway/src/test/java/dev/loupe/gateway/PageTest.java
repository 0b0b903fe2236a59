package dev.loupe.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.gateway.fakes.FakeLoupe;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The page is served whole, may load nothing else, and calls what there is. */
class PageTest {
  private static final Path FILES = Path.of("src/main/resources/dev/loupe/gateway/web");
  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html",
          "js", "text/javascript",
          "css", "text/css",
          "svg", "image/svg+xml");

  @RegisterExtension static final FakeLoupe loupe = new FakeLoupe();

  static List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(FILES)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  static Stream<String[]> calls() throws IOException {
    return Pattern.compile("call\\('([A-Z]+)', ['`](/v1/[^'`]+)['`]")
        .matcher(Files.readString(FILES.resolve("api.js")))
        .results()
        .map(call -> new String[] {call.group(1), example(call.group(2))});
  }

  @ParameterizedTest
  @MethodSource("files")
  void servesEveryFileWithItsTypeAndStrictHeaders(String file) throws IOException {
    HttpResponse<String> response = loupe.get("/" + file);
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).isEqualTo(Files.readString(FILES.resolve(file)));
    String type = TYPES.get(file.substring(file.lastIndexOf('.') + 1));
    assertThat(header(response, "content-type")).contains(type.substring(type.indexOf('/') + 1));
    assertThat(header(response, "content-security-policy"))
        .contains("default-src 'none'")
        .contains("script-src 'self'")
        .contains("frame-ancestors 'none'")
        .doesNotContain("unsafe");
    assertThat(header(response, "x-content-type-options")).isEqualTo("nosniff");
    assertThat(header(response, "referrer-policy")).isEqualTo("no-referrer");
  }

  @Test
  void servesThePageAtTheRoot() throws IOException {
    assertThat(loupe.get("/").body()).isEqualTo(Files.readString(FILES.resolve("index.html")));
  }

  @Test
  void loadsNothingThatIsNotServed() throws IOException {
    Pattern references = Pattern.compile("(?:src|href)=\"([^\"#]+)\"|from '([^']+)'");
    for (String file : files()) {
      for (MatchResult found :
          references.matcher(Files.readString(FILES.resolve(file))).results().toList()) {
        String target = found.group(1) != null ? found.group(1) : found.group(2);
        assertThat(target).as("in " + file).doesNotContain("//");
        assertThat(loupe.get("/" + target.replaceFirst("^\\./", "")).statusCode())
            .as(target + " in " + file)
            .isEqualTo(200);
      }
    }
  }

  @Test
  void callsSomething() throws IOException {
    assertThat(calls()).hasSizeGreaterThanOrEqualTo(7);
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("calls")
  void callsWhatIsThere(String method, String path) {
    HttpResponse<String> response = method.equals("GET") ? loupe.get(path) : loupe.post(path, "{}");
    assertThat(response.body()).doesNotContain("nothing is served").doesNotContain("not served");
    assertThat(header(response, "content-type")).startsWith("application/json");
  }

  /** A path with values in the place of its variables. */
  private static String example(String template) {
    return template
        .replace("${model}", "models/demo")
        .replace("${dictionary}", "dictionaries/demo")
        .replace("${name}", "dictionaries/demo/features/1")
        .replace("${features}", "features=1")
        .replaceAll("\\$\\{encode.*}", "x");
  }

  private static String header(HttpResponse<String> response, String name) {
    return response.headers().firstValue(name).orElse("");
  }
}
