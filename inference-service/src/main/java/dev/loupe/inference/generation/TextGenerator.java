package dev.loupe.inference.generation;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.KvCache;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.server.sharing.MemoryBudget;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Continues prompts with a key-value cache, all of them in one pass for each token. Every token
 * takes a turn on the device of its own, so that a long text does not hold up others. Each text has
 * random numbers of its own from the same seed, so it does not depend on the others.
 */
public final class TextGenerator {
  /** Arrays [row, d_vocab] that a step makes beside its logits. */
  private static final int SCORE_ARRAYS = 5;

  private final ServedModel model;
  private final DeviceRunner device;

  /** A generator on a model. */
  public TextGenerator(ServedModel model, DeviceRunner device) {
    this.model = model;
    this.device = device;
  }

  /** The most memory that a request takes. */
  private PassCost cost(GenerationRequest request, int width) {
    int rows = request.beginnings().size();
    long scores = (long) SCORE_ARRAYS * Float.BYTES * rows * model.config().vocabularySize();
    return PassCost.of(model.config(), rows, width, LogitsMode.LAST, request.program())
        .plus(KvCache.bytes(model.config(), rows, width + request.maxNewTokens()))
        .plus(scores);
  }

  /**
   * Makes tokens until every text has ended; those of a step are handed over, in the order of the
   * beginnings, before the next step is begun.
   */
  public void generate(GenerationRequest request, Call call, Consumer<GenerationStep> out) {
    int rows = request.beginnings().size();
    int width = request.longest();
    List<Continuation> texts = new ArrayList<>(rows);
    for (int row = 0; row < rows; row++) {
      texts.add(new Continuation(model, request, request.beginnings().get(row)));
    }
    try (MemoryBudget.Reservation memory = device.reserve(cost(request, width), call);
        NDManager scope = model.newScope();
        KvCache cache = new KvCache(scope, model.config(), rows, width + request.maxNewTokens())) {
      ForwardOptions options =
          ForwardOptions.plain().with(request.program()).with(LogitsMode.LAST).with(cache);
      TokenBatch fresh =
          TokenBatch.of(request.beginnings().stream().map(Beginning::tokens).toList());
      for (int made = 0; fresh != null; made++) {
        try (NDManager local = scope.newSubManager()) {
          Step step = step(local, fresh, options, texts, request.sampling(), memory, call);
          StepActivations activations = new StepActivations(step.result().captures(), made);
          for (int row = 0; row < rows; row++) {
            Continuation text = texts.get(row);
            if (!text.isEnded()) {
              int prompt = request.beginnings().get(row).tokens().length;
              out.accept(text.advance(step.scores(), row, activations.ofRow(row, prompt)));
            }
          }
        }
        fresh = next(texts);
      }
    }
  }

  private record Step(ForwardResult result, StepScores scores) {}

  private Step step(
      NDManager scope,
      TokenBatch fresh,
      ForwardOptions options,
      List<Continuation> texts,
      SamplingOptions sampling,
      MemoryBudget.Reservation memory,
      Call call) {
    return device.runReserved(
        call,
        memory,
        new Work(model.id(), fresh.rows(), fresh.tokens()),
        turn -> {
          ForwardResult result =
              model.transformer().forward(scope, fresh, options.with(turn.control()));
          return new Step(result, StepScores.of(result.requireLogits(), texts, sampling));
        });
  }

  /** The newest token of each text; null when all have ended. */
  private static TokenBatch next(List<Continuation> texts) {
    if (texts.stream().allMatch(Continuation::isEnded)) {
      return null;
    }
    return TokenBatch.of(texts.stream().map(text -> new int[] {text.last()}).toList());
  }
}
