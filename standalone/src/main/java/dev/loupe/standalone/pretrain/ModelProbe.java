package dev.loupe.standalone.pretrain;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.tokenizer.BpeTokenizer;
import dev.loupe.standalone.corpus.SeededRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Looks at a model while it is trained: does it know the capitals, and has it grown induction
 * heads?
 */
final class ModelProbe {
  private static final int HELD_OUT_ROWS = 16;
  private static final int RANDOM_ROWS = 8;
  private static final int LONGEST_PERIOD = 50;

  private final BpeTokenizer tokenizer;
  private final int endOfText;
  private final List<String> statesAndCapitals;
  private final TrainingRows text;

  /**
   * @param text rows without random sequences, for the held-out loss
   */
  ModelProbe(
      BpeTokenizer tokenizer, int endOfText, List<String> statesAndCapitals, TrainingRows text) {
    this.tokenizer = tokenizer;
    this.endOfText = endOfText;
    this.statesAndCapitals = statesAndCapitals;
    this.text = text;
  }

  ProbeResult measure(HookedTransformer model, NDManager manager) {
    double loss = heldOutLoss(model, manager);
    int correct = 0;
    double probability = 0;
    int states = statesAndCapitals.size() / 2;
    for (int i = 0; i < states; i++) {
      int[] prompt = prompt("The capital of " + statesAndCapitals.get(2 * i) + " is");
      int capital = tokenizer.encode(" " + statesAndCapitals.get(2 * i + 1)).ids()[0];
      float[] probabilities = lastProbabilities(model, manager, prompt);
      correct += argMax(probabilities) == capital ? 1 : 0;
      probability += probabilities[capital] / states;
    }
    double[] heads = headScores(model, manager);
    return new ProbeResult(loss, correct, states, probability, heads[0], heads[1]);
  }

  private int[] prompt(String words) {
    int[] ids = tokenizer.encode(words).ids();
    int[] prompt = new int[ids.length + 1];
    prompt[0] = endOfText;
    System.arraycopy(ids, 0, prompt, 1, ids.length);
    return prompt;
  }

  private static float[] lastProbabilities(
      HookedTransformer model, NDManager manager, int[] prompt) {
    try (NDManager scope = manager.newSubManager()) {
      NDArray logits =
          model.forward(scope, TokenBatch.of(prompt), ForwardOptions.plain()).requireLogits();
      return logits.get("0,-1").softmax(-1).toFloatArray();
    }
  }

  private double heldOutLoss(HookedTransformer model, NDManager manager) {
    double sum = 0;
    int count = 0;
    for (int r = 0; r < HELD_OUT_ROWS; r++) {
      int[] row = text.heldOut(r);
      int[] context = Arrays.copyOf(row, row.length - 1);
      try (NDManager scope = manager.newSubManager()) {
        float[] logProbabilities =
            model
                .forward(scope, TokenBatch.of(context), ForwardOptions.plain())
                .requireLogits()
                .logSoftmax(-1)
                .toFloatArray();
        int vocabulary = logProbabilities.length / context.length;
        for (int at = 0; at < context.length; at++) {
          sum -= logProbabilities[at * vocabulary + row[at + 1]];
          count++;
        }
      }
    }
    return sum / count;
  }

  /** The best heads' induction and previous-token scores on repeated random sequences. */
  private double[] headScores(HookedTransformer model, NDManager manager) {
    GptConfig config = model.config();
    int period = Math.min(LONGEST_PERIOD, (config.contextLength() - 1) / 2);
    int length = 1 + 2 * period;
    HookProgram.Builder program = HookProgram.builder(config);
    for (int layer = 0; layer < config.layers(); layer++) {
      program.capture(HookPoint.of(HookKind.PATTERN, layer));
    }
    ForwardOptions options = ForwardOptions.plain().with(program.build());
    double induction = 0;
    double previous = 0;
    try (NDManager scope = manager.newSubManager()) {
      ForwardResult result =
          model.forward(scope, TokenBatch.of(randomRows(config, period)), options);
      for (int layer = 0; layer < config.layers(); layer++) {
        float[] pattern = result.capture(HookPoint.of(HookKind.PATTERN, layer)).toFloatArray();
        for (int head = 0; head < config.heads(); head++) {
          double toCopy = 0;
          double toPrevious = 0;
          for (int row = 0; row < RANDOM_ROWS; row++) {
            int plane = (row * config.heads() + head) * length * length;
            for (int query = 1 + period; query < length; query++) {
              toCopy += pattern[plane + query * length + query - period + 1];
            }
            for (int query = 1; query < length; query++) {
              toPrevious += pattern[plane + query * length + query - 1];
            }
          }
          induction = Math.max(induction, toCopy / (RANDOM_ROWS * period));
          previous = Math.max(previous, toPrevious / (RANDOM_ROWS * (length - 1)));
        }
      }
    }
    return new double[] {induction, previous};
  }

  private List<int[]> randomRows(GptConfig config, int period) {
    SeededRandom random = new SeededRandom(0, period);
    List<int[]> rows = new ArrayList<>();
    for (int r = 0; r < RANDOM_ROWS; r++) {
      int[] row = new int[1 + 2 * period];
      Arrays.setAll(row, i -> random.nextInt(config.vocabularySize()));
      row[0] = endOfText;
      System.arraycopy(row, 1, row, 1 + period, period);
      rows.add(row);
    }
    return rows;
  }

  private static int argMax(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }
}
