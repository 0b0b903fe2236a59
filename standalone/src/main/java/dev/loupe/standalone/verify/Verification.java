package dev.loupe.standalone.verify;

import dev.loupe.standalone.client.LoupeClient;
import dev.loupe.standalone.client.ModelInfo;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Compares what a running service answers with what is expected of it. */
final class Verification {
  private static final int ALL_STEPS = 4;

  private static final String LOGITS = "unembed.hook_out";

  private final LoupeClient client;

  /** Verifies what this service serves. */
  Verification(LoupeClient client) {
    this.client = client;
  }

  /**
   * Every golden tensor of the model's form, hook point by hook point.
   *
   * @param tolerance how far a value may be off, as a share of the tensor's largest magnitude
   * @throws VerifyException when nothing is known of the model's form
   */
  List<Check> golden(String model, GoldenTensors golden, double tolerance) throws IOException {
    String group = group(client.model(model).info(), golden);
    List<String> names = golden.names(group);
    List<String> hookPoints = names.stream().map(GoldenTensors::hookPoint).distinct().toList();
    Map<String, float[]> values = run(model, hookPoints, golden.rows());
    List<Check> checks = new ArrayList<>();
    for (String name : names) {
      float[] actual = values.get(GoldenTensors.hookPoint(name));
      double error = Deviation.relative(actual, golden.values(group + name));
      checks.add(Check.of(group.replace("/", ""), name, error, tolerance));
    }
    return checks;
  }

  private static String group(ModelInfo info, GoldenTensors golden) {
    if (info.processingSteps() % ALL_STEPS != 0) {
      throw new VerifyException(
          "%s has %d of the %d steps of weight processing; expected none or all"
              .formatted(info.name(), info.processingSteps(), ALL_STEPS));
    }
    String group = info.processingSteps() == 0 ? GoldenTensors.RUN : GoldenTensors.PROCESSED;
    if (golden.names(group).isEmpty()) {
      throw new VerifyException(
          "the file of expected values has no \"%sHOOK_POINT\", which is what %s is held to"
              .formatted(group, info.name()));
    }
    return group;
  }

  /**
   * Every known prompt: its tokens, its likeliest next tokens in their order, and their logits.
   *
   * @throws VerifyException when the facts are about a model of another shape or form
   */
  List<Check> facts(ModelInfo info, KnownFacts facts) {
    String model = info.name();
    if (info.layers() != facts.layers()
        || info.dModel() != facts.dModel()
        || info.vocabulary() != facts.vocabularySize()) {
      throw new VerifyException(
          "what is known without --golden is about %s, of %d layers, %d wide, with %d token ids; %s has %d, %d and %d: give expected values with --golden"
              .formatted(
                  facts.model(),
                  facts.layers(),
                  facts.dModel(),
                  facts.vocabularySize(),
                  model,
                  info.layers(),
                  info.dModel(),
                  info.vocabulary()));
    }
    if (info.processingSteps() != 0) {
      throw new VerifyException(
          "%s has processed weights, which shift its logits; expected them as stored"
              .formatted(model));
    }
    List<Check> checks = new ArrayList<>();
    for (KnownFacts.KnownPrompt prompt : facts.prompts()) {
      int[] tokens = client.model(model).tokenize(List.of(prompt.text())).get(0).ids();
      checks.add(
          Arrays.equals(tokens, prompt.tokens())
              ? Check.of(prompt.text(), "tokens", 0, 0)
              : Check.failed(prompt.text(), "tokens", 0, "gives " + Arrays.toString(tokens)));
      float[] all = run(model, List.of(LOGITS), List.of(prompt.tokens())).get(LOGITS);
      int from = all.length - facts.vocabularySize();
      checks.addAll(top(prompt, Arrays.copyOfRange(all, from, all.length), facts.tolerance()));
    }
    return checks;
  }

  /** The known tokens' logits, and whether the same tokens are on top in the same order. */
  static List<Check> top(KnownFacts.KnownPrompt prompt, float[] logits, double tolerance) {
    List<Check> checks = new ArrayList<>();
    List<Integer> best =
        IntStream.range(0, logits.length)
            .boxed()
            .sorted((a, b) -> Float.compare(logits[b], logits[a]))
            .limit(prompt.top().size())
            .toList();
    for (int rank = 0; rank < prompt.top().size(); rank++) {
      KnownFacts.TopToken known = prompt.top().get(rank);
      String name = "top " + (rank + 1) + ": token " + known.id();
      int found = best.get(rank);
      double error = Math.abs(logits[known.id()] - known.logit());
      // Tokens whose known logits are closer than the tolerance may change places.
      boolean inPlace = logits[found] - logits[known.id()] <= tolerance;
      checks.add(
          inPlace
              ? Check.of(prompt.text(), name, error, tolerance)
              : Check.failed(prompt.text(), name, tolerance, "token " + found + " is there"));
    }
    return checks;
  }

  private Map<String, float[]> run(String model, List<String> hookPoints, List<int[]> rows) {
    Map<String, float[]> values = new HashMap<>();
    client
        .activations(model)
        .read(
            hookPoints, rows, rows.size(), batch -> values.put(batch.hookPoint(), batch.values()));
    return values;
  }
}
