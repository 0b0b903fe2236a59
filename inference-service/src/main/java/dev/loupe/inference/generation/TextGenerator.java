package dev.loupe.inference.generation;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.analysis.LogitRow;
import dev.loupe.inference.generation.GenerationStep.End;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.KvCache;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.MemoryBudget;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.inference.tokenizer.Utf8Assembler;
import dev.loupe.tensor.NdArrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * Continues a prompt with a key-value cache. Every token takes a turn on the device of its own, so
 * that a long text does not hold up others.
 */
public final class TextGenerator {
  private final ServedModel model;
  private final DeviceRunner device;

  /** A generator on a model. */
  public TextGenerator(ServedModel model, DeviceRunner device) {
    this.model = model;
    this.device = device;
  }

  /** Makes tokens until the text ends; each is handed over before the next is begun. */
  public void generate(GenerationRequest request, Call call, Consumer<GenerationStep> out) {
    int capacity = request.prompt().length + request.maxNewTokens();
    PassCost cost =
        PassCost.of(model.config(), 1, request.prompt().length, LogitsMode.LAST, List.of())
            .plus(KvCache.bytes(model.config(), 1, capacity));
    TokenSampler sampler = new TokenSampler(request.sampling());
    Utf8Assembler text = new Utf8Assembler();
    try (MemoryBudget.Reservation memory = device.reserve(cost, call);
        NDManager scope = model.newScope();
        KvCache cache = new KvCache(scope, model.config(), 1, capacity)) {
      ForwardOptions options =
          ForwardOptions.plain()
              .with(request.program())
              .with(LogitsMode.LAST)
              .with(cache)
              .with(layer -> call.check());
      int[] fresh = request.prompt();
      End end = null;
      for (int made = 1; end == null; made++) {
        float[] logits = forward(scope, fresh, options, memory, call);
        int id = sampler.next(logits);
        end = end(request, id, made);
        out.accept(step(id, logits, end, text));
        fresh = new int[] {id};
      }
    }
  }

  private float[] forward(
      NDManager scope,
      int[] fresh,
      ForwardOptions options,
      MemoryBudget.Reservation memory,
      Call call) {
    return device.runReserved(
        call,
        memory,
        new Work(model.id(), 1, fresh.length),
        turn -> {
          try (NDManager step = scope.newSubManager()) {
            ForwardResult result = model.transformer().forward(step, TokenBatch.of(fresh), options);
            return NdArrays.floats(result.requireLogits());
          }
        });
  }

  private End end(GenerationRequest request, int id, int made) {
    if (id == model.bosToken() || request.stopTokens().contains(id)) {
      return End.STOP_TOKEN;
    }
    return made == request.maxNewTokens() ? End.LENGTH : null;
  }

  private GenerationStep step(int id, float[] logits, End end, Utf8Assembler text) {
    // The beginning-of-text token marks the end and is no part of the text.
    String piece = id == model.bosToken() ? "" : text.push(model.tokenizer().bytes(id));
    String whole = end == null ? piece : piece + text.finish();
    return new GenerationStep(id, whole, new LogitRow(logits).logProbability(id), end);
  }
}
