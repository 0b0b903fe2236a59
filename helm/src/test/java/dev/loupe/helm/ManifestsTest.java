package dev.loupe.helm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The plain manifests in {@code k8s/manifests} are what the chart renders with its defaults. {@code
 * mvn -pl helm test -Dtest=ManifestsTest -Dmanifests=write} writes them anew.
 */
class ManifestsTest {
  private static final Path FOLDER = Path.of("../k8s/manifests");

  @Test
  void areWhatTheChartRenders() throws IOException {
    Map<String, String> rendered = files();
    if ("write".equals(System.getProperty("manifests"))) {
      write(rendered);
    }
    assertThat(committed()).isEqualTo(rendered);
  }

  private static Map<String, String> committed() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      Map<String, String> texts = new TreeMap<>();
      for (Path file : files.collect(Collectors.toList())) {
        texts.put(file.getFileName().toString(), Files.readString(file));
      }
      return texts;
    }
  }

  private static void write(Map<String, String> texts) throws IOException {
    Files.createDirectories(FOLDER);
    for (Map.Entry<String, String> text : texts.entrySet()) {
      Files.writeString(FOLDER.resolve(text.getKey()), text.getValue());
    }
  }

  /** The chart's output, one file for each folder of templates. */
  private static Map<String, String> files() {
    Pattern source = Pattern.compile("# Source: loupe/templates/([a-z-]+)/[a-z]+\\.yaml\n");
    Map<String, String> texts = new TreeMap<>();
    for (String document : Chart.text("{}").split("(?m)^---\n", -1)) {
      if (!document.isBlank()) {
        Matcher matcher = source.matcher(document);
        assertThat(matcher.find()).as(document).isTrue();
        String body = matcher.replaceFirst("").strip();
        texts.merge(
            matcher.group(1) + ".yaml", body + "\n", (before, more) -> before + "---\n" + more);
      }
    }
    return texts;
  }
}
