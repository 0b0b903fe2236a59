package dev.loupe.helm;

import com.google.gson.Gson;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import com.marcnuri.helm.TemplateCommand;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The chart, rendered as Helm itself renders it. */
final class Chart {
  static final Path FOLDER = Path.of("loupe");

  private Chart() {}

  /** What the chart makes of its default values. */
  static Rendered render() {
    return render("{}");
  }

  /** What the chart makes of these values, which are YAML and stand over the defaults. */
  static Rendered render(String values) {
    return new Rendered(text(values));
  }

  /** The same, as text. */
  static String text(String values) {
    return withValues(
        values,
        file -> {
          TemplateCommand command =
              new Helm(FOLDER)
                  .template()
                  .withName("loupe")
                  .withNamespace("loupe")
                  .withKubeVersion("1.27.0");
          return command.withValuesFile(file).call();
        });
  }

  /** What lint says to the default values. */
  static LintResult lint() {
    return new Helm(FOLDER).lint().strict().call();
  }

  private interface WithFile<T> {
    T call(Path file);
  }

  private static <T> T withValues(String values, WithFile<T> work) {
    try {
      Path file = Files.createTempFile("values", ".yaml");
      try {
        Files.writeString(file, values);
        return work.call(file);
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** JSON of anything made of maps, lists and values. */
  static String json(Object value) {
    return new Gson().toJson(value);
  }
}
