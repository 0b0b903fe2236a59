package dev.loupe.standalone;

import dev.loupe.standalone.embedded.EmbeddedLoupe;
import dev.loupe.standalone.terminal.Terminal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code loupe up}: serves. */
@Command(
    name = "up",
    mixinStandardHelpOptions = true,
    versionProvider = BuildVersion.class,
    sortOptions = false,
    description = {
      "Serve models, dictionaries and features until Ctrl-C.",
      "",
      "Without --model it serves the model that ships with Loupe. Dictionaries and features that"
          + " are in the data folder, such as those that \"loupe demo\" made, are served too."
    })
final class UpCommand implements Callable<Integer> {
  @Option(
      names = "--model",
      paramLabel = ServingOptions.MODEL_LABEL,
      description = {"A model to serve; may be given several times.", ServingOptions.MODEL_SYNTAX})
  private List<String> models = new ArrayList<>();

  @Option(
      names = "--dir",
      paramLabel = "FOLDER",
      description = "Where data is kept (default: LOUPE_HOME, or ~/.loupe).")
  private Path dir;

  @Mixin private ServingOptions serving;

  @Override
  public Integer call() throws InterruptedException {
    Terminal terminal = Terminal.system();
    Path data = dir == null ? ServingOptions.home(System.getenv()) : dir;
    EmbeddedLoupe loupe = serving.start(data, models, terminal);
    Shutdown.closing(loupe);
    ServingOptions.announce(loupe, terminal);
    ServingOptions.serve(terminal);
    return 0;
  }
}
