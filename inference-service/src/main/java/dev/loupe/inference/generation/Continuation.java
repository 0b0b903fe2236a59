package dev.loupe.inference.generation;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.generation.GenerationStep.End;
import dev.loupe.inference.model.NotFiniteException;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.inference.tokenizer.Utf8Assembler;
import java.util.Map;

/** One text on its way: what was made so far, and whether it goes on. */
final class Continuation {
  private final ServedModel model;
  private final GenerationRequest request;
  private final Beginning beginning;
  private final TokenSampler sampler;
  private final Utf8Assembler characters = new Utf8Assembler();
  private final HeldText text;
  private final SeenTokens seen;
  private int made;
  private int last;
  private boolean ended;

  Continuation(ServedModel model, GenerationRequest request, Beginning beginning) {
    this.model = model;
    this.request = request;
    this.beginning = beginning;
    this.sampler = new TokenSampler(request.sampling(), beginning.stream());
    this.text = new HeldText(request.stops().strings());
    boolean penalized = !request.sampling().penalties().areNone();
    this.seen = new SeenTokens(penalized ? model.config().vocabularySize() : 0);
    for (int id : beginning.tokens()) {
      seen.add(id);
    }
  }

  boolean isEnded() {
    return ended;
  }

  /** The token that the next pass runs; a text that has ended repeats its last one, unheard. */
  int last() {
    return last;
  }

  /** The tokens so far, those of the prompt with them; none where nothing is penalized. */
  SeenTokens seen() {
    return seen;
  }

  /**
   * Chooses the next token.
   *
   * @param row of the scores
   * @throws NotFiniteException when the model says nothing about it
   */
  GenerationStep advance(StepScores scores, int row, Map<HookPoint, NDArray> activations) {
    if (!scores.areNumbers(row)) {
      throw NotFiniteException.ofLogits(
          "the logits after %d tokens of prompts[%d]"
              .formatted(beginning.tokens().length + made, beginning.prompt()));
    }
    last = sampler.next(scores.scores(row));
    made++;
    seen.add(last);
    String piece = isMark(last) ? "" : text.push(characters.push(model.tokenizer().bytes(last)));
    End end = end();
    if (end != null && end != End.STOP_STRING) {
      piece += text.push(characters.finish());
      end = text.isStopped() ? End.STOP_STRING : end;
      piece += text.finish();
    }
    ended = end != null;
    return new GenerationStep(
        beginning.prompt(),
        beginning.sample(),
        last,
        piece,
        scores.logProbability(row, last),
        scores.likeliest(row, request.alternatives()),
        end,
        activations);
  }

  /** True for tokens that mark where texts begin and end, and are no part of them. */
  private boolean isMark(int id) {
    return id == model.bosToken()
        || (model.stopTokens().contains(id) && model.tokenizer().isAdded(id));
  }

  private End end() {
    if (text.isStopped()) {
      return End.STOP_STRING;
    }
    if (request.stops().tokens().contains(last)) {
      return End.STOP_TOKEN;
    }
    return made == request.maxNewTokens() ? End.LENGTH : null;
  }
}
