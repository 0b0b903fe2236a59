package dev.loupe.server.names;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The names under which the GPT-2 models that everybody knows go: in TransformerLens, in SAELens's
 * {@code cfg.json} and, from before repositories had owners, on the hub. All names of a model stand
 * for one repository, and give one id.
 */
public final class ModelNames {
  private static final int LONGEST_ID = 63;
  private static final Map<String, String> REPOSITORIES = repositories();

  private ModelNames() {}

  /** The repository that a short name or a repository's name stands for; empty when not known. */
  public static Optional<String> repository(String name) {
    return Optional.ofNullable(REPOSITORIES.get(name.toLowerCase(Locale.ROOT)));
  }

  /**
   * The id that a model gets from its name, repository or folder: lower-case letters, digits and
   * hyphens, starting with a letter. What stands before a slash has no part in it.
   */
  public static String id(String name) {
    String whole = repository(name).orElse(name);
    String id =
        whole
            .substring(whole.lastIndexOf('/') + 1)
            .toLowerCase(Locale.ROOT)
            .replaceAll("[^a-z0-9]+", "-")
            .replaceAll("^-+|-+$", "");
    String led = id.isEmpty() || !Character.isLetter(id.charAt(0)) ? "model-" + id : id;
    return led.substring(0, Math.min(LONGEST_ID, led.length())).replaceAll("-+$", "");
  }

  private static Map<String, String> repositories() {
    Map<String, String> all = new HashMap<>();
    add(all, "openai-community/gpt2", "gpt2-small");
    add(all, "openai-community/gpt2-medium");
    add(all, "openai-community/gpt2-large");
    add(all, "openai-community/gpt2-xl");
    add(all, "distilbert/distilgpt2", "distillgpt2", "distill-gpt2", "distil-gpt2", "gpt2-xs");
    stanford(all, "small", "alias", "battlestar", "caprica", "darkmatter", "expanse");
    stanford(all, "medium", "arwen", "beren", "celebrimbor", "durin", "eowyn");
    return Map.copyOf(all);
  }

  /** Five runs of one size, which differ in their seeds. */
  private static void stanford(Map<String, String> all, String size, String... runs) {
    List<Integer> seeds = List.of(21, 49, 81, 343, 777);
    for (int i = 0; i < runs.length; i++) {
      char letter = (char) ('a' + i);
      add(
          all,
          "stanford-crfm/%s-gpt2-%s-x%d".formatted(runs[i], size, seeds.get(i)),
          "stanford-gpt2-%s-%s".formatted(size, letter),
          "gpt2-stanford-%s-%s".formatted(size, letter),
          "gpt2-mistral-%s-%s".formatted(size, letter));
    }
  }

  private static void add(Map<String, String> all, String repository, String... others) {
    all.put(repository, repository);
    all.put(repository.substring(repository.indexOf('/') + 1), repository);
    for (String other : others) {
      all.put(other, repository);
    }
  }
}
