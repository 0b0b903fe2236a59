package dev.loupe.inference.generation;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.generation.GenerationStep.End;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.inference.tokenizer.Utf8Assembler;
import java.util.Map;

/** One prompt on its way: what was made so far, and whether it goes on. */
final class Continuation {
  private final ServedModel model;
  private final GenerationRequest request;
  private final int prompt;
  private final TokenSampler sampler;
  private final Utf8Assembler characters = new Utf8Assembler();
  private final HeldText text;
  private final float[] penalties;
  private int made;
  private int last;
  private boolean ended;

  Continuation(ServedModel model, GenerationRequest request, int prompt) {
    this.model = model;
    this.request = request;
    this.prompt = prompt;
    this.sampler = new TokenSampler(request.sampling());
    this.text = new HeldText(request.stops().strings());
    boolean penalized = request.sampling().frequencyPenalty() != 0;
    this.penalties = new float[penalized ? model.config().vocabularySize() : 0];
    for (int id : request.prompts().get(prompt)) {
      count(id);
    }
  }

  private void count(int id) {
    if (penalties.length > 0) {
      penalties[id] += (float) request.sampling().frequencyPenalty();
    }
  }

  boolean isEnded() {
    return ended;
  }

  /** The token that the next pass runs; a text that has ended repeats its last one, unheard. */
  int last() {
    return last;
  }

  /** What is taken from each logit, [d_vocab]; empty for nothing. */
  float[] penalties() {
    return penalties;
  }

  /** Chooses the next token. */
  GenerationStep advance(StepScores scores, Map<HookPoint, NDArray> activations) {
    last = sampler.next(scores.scores(prompt));
    made++;
    count(last);
    // The beginning-of-text token marks the end and is no part of the text.
    boolean bos = last == model.bosToken();
    String piece = bos ? "" : text.push(characters.push(model.tokenizer().bytes(last)));
    End end = end(bos);
    if (end != null && end != End.STOP_STRING) {
      piece += text.push(characters.finish());
      end = text.isStopped() ? End.STOP_STRING : end;
      piece += text.finish();
    }
    ended = end != null;
    return new GenerationStep(
        prompt,
        last,
        piece,
        scores.logProbability(prompt, last),
        scores.likeliest(prompt, request.alternatives()),
        end,
        activations);
  }

  private End end(boolean bos) {
    if (text.isStopped()) {
      return End.STOP_STRING;
    }
    if (bos || request.stops().tokens().contains(last)) {
      return End.STOP_TOKEN;
    }
    return made == request.maxNewTokens() ? End.LENGTH : null;
  }
}
