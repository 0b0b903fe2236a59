package dev.loupe.server;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.IHelpSectionRenderer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * How every program of Loupe reads its command line: what is wrong stands below the usage, where it
 * is seen, and help breaks no address or hook point in two.
 */
public final class CommandLines {
  private CommandLines() {}

  /** The command line of an annotated command and its subcommands. */
  public static CommandLine of(Object command) {
    CommandLine commandLine = new CommandLine(command);
    keepWordsWhole(commandLine);
    return commandLine.setParameterExceptionHandler(CommandLines::explain);
  }

  /** A server's: each option can be given as an environment variable too. */
  public static CommandLine ofServer(Object command) {
    return of(command).setDefaultValueProvider(new EnvironmentDefaults());
  }

  private static int explain(ParameterException failure, String[] arguments) {
    CommandLine commandLine = failure.getCommandLine();
    if (!CommandLine.UnmatchedArgumentException.printSuggestions(failure, commandLine.getErr())) {
      commandLine.usage(commandLine.getErr());
    }
    commandLine.getErr().println();
    commandLine.getErr().println(failure.getMessage());
    return commandLine.getCommandSpec().exitCodeOnInvalidInput();
  }

  private static void keepWordsWhole(CommandLine commandLine) {
    CommandSpec spec = commandLine.getCommandSpec();
    spec.usageMessage()
        .header(WholeWords.join(spec.usageMessage().header()))
        .description(WholeWords.join(spec.usageMessage().description()))
        .footer(WholeWords.join(spec.usageMessage().footer()));
    for (OptionSpec option : List.copyOf(spec.options())) {
      spec.remove(option);
      spec.addOption(
          OptionSpec.builder(option).description(WholeWords.join(option.description())).build());
    }
    Map<String, IHelpSectionRenderer> sections = new HashMap<>(commandLine.getHelpSectionMap());
    sections.replaceAll((key, section) -> help -> WholeWords.part(section.render(help)));
    commandLine.setHelpSectionMap(sections);
    commandLine.getSubcommands().values().forEach(CommandLines::keepWordsWhole);
  }
}
