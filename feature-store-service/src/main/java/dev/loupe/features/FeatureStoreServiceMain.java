package dev.loupe.features;

import dev.loupe.server.CommandLines;
import dev.loupe.server.ServerMain;
import dev.loupe.server.ServerOptions;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The feature store as a program. */
@Command(
    name = "loupe-feature-store",
    mixinStandardHelpOptions = true,
    description = "Stores features with their statistics, examples and labels, and searches them.")
public final class FeatureStoreServiceMain implements Callable<Integer> {

  @Mixin private final ServerOptions server = new ServerOptions(50053, 9103);

  @Option(
      names = "--database-url",
      paramLabel = "URL",
      description = {
        "jdbc:sqlite:FILE or jdbc:postgresql://HOST/DATABASE?user=USER&password=PASSWORD"
            + " (default: ${DEFAULT-VALUE}).",
        "A password belongs in LOUPE_DATABASE_URL rather than on the command line."
      })
  private String databaseUrl = "jdbc:sqlite:features.db";

  @Option(
      names = "--database-connections",
      paramLabel = "NUMBER",
      description =
          "Database connections for reading at the same time (default: ${DEFAULT-VALUE}).")
  private int databaseConnections = 8;

  private FeatureStoreServiceMain() {}

  /** Serves until the process is told to end. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return CommandLines.ofServer(new FeatureStoreServiceMain());
  }

  @Override
  public Integer call() {
    return ServerMain.run(
        "feature-store",
        server,
        registry -> FeatureStore.open(databaseUrl, databaseConnections, registry));
  }
}
