package dev.loupe.inference;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** What clients may have loaded at run time, as a picocli mixin of programs that serve models. */
public final class LoadingOptions {
  @Option(
      names = "--load-from",
      split = ",",
      paramLabel = "FOLDER",
      description =
          "Clients may have models loaded from folders below this one. May be given more than"
              + " once.")
  private List<Path> folders = new ArrayList<>();

  @Option(
      names = "--load-from-hub",
      split = ",",
      paramLabel = "REPOSITORY",
      description =
          "Repositories that clients may have loaded beside those of --model: owner/name, owner/*,"
              + " * for any, or none. May be given more than once. Unless said: any, but none where"
              + " the hub gets a token (HF_TOKEN, or the file token in HF_HOME), as that would open"
              + " to every caller what it opens to you.")
  private List<String> repositories = new ArrayList<>();

  /** Folders below which models may be loaded. */
  public List<Path> folders() {
    return folders;
  }

  /** What was said of the hub's repositories; empty when nothing was. */
  public List<String> repositories() {
    return repositories;
  }
}
