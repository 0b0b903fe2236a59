package dev.loupe.inference.grpc.requests;

import dev.loupe.inference.analysis.VocabularyProjection;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.TokenLogit;
import java.util.List;

/** What directions promote and suppress, as messages. */
public final class Projected {
  /** The most tokens at each end. */
  public static final int MAX_TOP_K = 100;

  /** Tokens at each end when nothing is said. */
  public static final int DEFAULT_TOP_K = 10;

  private Projected() {}

  /** A projection as a request wants it. */
  public static VocabularyProjection onto(ServedModel model, boolean throughFinalNorm) {
    return throughFinalNorm
        ? VocabularyProjection.throughFinalNorm(model.transformer())
        : new VocabularyProjection(model.transformer());
  }

  /** Refuses answers that are too large. */
  public static void checkFits(int topK, long directions) {
    Checks.responseFits(
        2 * Checks.SCORED_TOKEN_BYTES * topK * directions,
        "send fewer directions or ask for a smaller top_k");
  }

  /** Tokens with their logits. */
  public static List<TokenLogit> tokens(
      ServedModel model, List<VocabularyProjection.TokenLogit> tokens) {
    return tokens.stream()
        .map(
            token ->
                TokenLogit.newBuilder()
                    .setId(token.id())
                    .setToken(model.tokenizer().text(token.id()))
                    .setLogit(token.logit())
                    .build())
        .toList();
  }

  /** Both ends of one direction. */
  public static dev.loupe.proto.inference.v1.VocabularyProjection message(
      ServedModel model, VocabularyProjection.Ends ends) {
    return dev.loupe.proto.inference.v1.VocabularyProjection.newBuilder()
        .addAllTop(tokens(model, ends.top()))
        .addAllBottom(tokens(model, ends.bottom()))
        .build();
  }
}
