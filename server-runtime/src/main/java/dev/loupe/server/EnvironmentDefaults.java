package dev.loupe.server;

import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Takes options that are not on the command line from the environment: {@code --max-message-bytes}
 * from {@code LOUPE_MAX_MESSAGE_BYTES}, and so on for every option.
 *
 * <p>{@code --host} and all {@code ...-port} options have {@code LISTEN_} in theirs ({@code
 * LOUPE_LISTEN_PORT}, {@code LOUPE_LISTEN_METRICS_PORT}): Kubernetes sets {@code
 * LOUPE_PORT=tcp://...} in every pod beside a Service named {@code loupe}.
 */
public final class EnvironmentDefaults implements IDefaultValueProvider {
  private final Map<String, String> environment;

  /** Reads the process's environment. */
  public EnvironmentDefaults() {
    this(System.getenv());
  }

  EnvironmentDefaults(Map<String, String> environment) {
    this.environment = environment;
  }

  @Override
  public String defaultValue(ArgSpec arg) {
    return arg.isOption() ? environment.get(variable((OptionSpec) arg)) : null;
  }

  static String variable(OptionSpec option) {
    String name =
        option.longestName().replaceFirst("^-+", "").replace('-', '_').toUpperCase(Locale.ROOT);
    boolean address = name.equals("HOST") || name.equals("PORT") || name.endsWith("_PORT");
    return "LOUPE_" + (address ? "LISTEN_" : "") + name;
  }
}
