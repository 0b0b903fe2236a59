package dev.loupe.inference.grpc;

import com.google.protobuf.ByteString;
import dev.loupe.inference.grpc.requests.Checks;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.inference.tokenizer.Encoding;
import dev.loupe.proto.inference.v1.DetokenizeRequest;
import dev.loupe.proto.inference.v1.DetokenizeResponse;
import dev.loupe.proto.inference.v1.TokenizeRequest;
import dev.loupe.proto.inference.v1.TokenizeResponse;
import dev.loupe.proto.inference.v1.TokenizedText;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.nio.charset.StandardCharsets;

/** Tokenize and Detokenize. */
final class Tokens {
  private static final int MAX_TEXTS = 1_024;
  private static final int MAX_TEXT_BYTES = 1 << 20;
  private static final int MAX_IDS = 65_536;

  /** About what a short text takes in a message beside its bytes. */
  private static final int OVERHEAD = 4;

  private final ModelLookup models;

  Tokens(ModelLookup models) {
    this.models = models;
  }

  TokenizeResponse tokenize(TokenizeRequest request) {
    ServedModel model = models.named("model", request.getModel());
    Checks.size("texts", request.getTextsCount(), 1, MAX_TEXTS);
    long bytes = 0;
    for (String text : request.getTextsList()) {
      bytes += text.getBytes(StandardCharsets.UTF_8).length;
    }
    if (bytes > MAX_TEXT_BYTES) {
      throw LoupeException.of(
              ErrorReason.INVALID_VALUE,
              "texts have %d bytes together; give at most %d".formatted(bytes, MAX_TEXT_BYTES))
          .with("field", "texts");
    }
    TokenizeResponse.Builder response = TokenizeResponse.newBuilder();
    long size = 0;
    for (String text : request.getTextsList()) {
      TokenizedText tokenized = tokenize(model, text, request);
      size += tokenized.getSerializedSize();
      Checks.responseFits(size, "send fewer or shorter texts at once");
      response.addTexts(tokenized);
    }
    return response.build();
  }

  private static TokenizedText tokenize(ServedModel model, String text, TokenizeRequest request) {
    Encoding encoding =
        DomainErrors.translated(
            () -> model.tokenizer().encode(text, request.getLiteralSpecialTokens()));
    TokenizedText.Builder tokenized = TokenizedText.newBuilder();
    if (!request.getOmitBos() && model.bosToken() >= 0) {
      tokenized
          .setBosPrepended(true)
          .addIds(model.bosToken())
          .addTokens(model.tokenizer().text(model.bosToken()))
          .addByteEnds(0);
    }
    for (int i = 0; i < encoding.ids().length; i++) {
      tokenized
          .addIds(encoding.ids()[i])
          .addTokens(model.tokenizer().text(encoding.ids()[i]))
          .addByteEnds(encoding.byteEnds()[i]);
    }
    return tokenized.build();
  }

  DetokenizeResponse detokenize(DetokenizeRequest request) {
    ServedModel model = models.named("model", request.getModel());
    Checks.size("ids", request.getIdsCount(), 1, MAX_IDS);
    int[] ids = request.getIdsList().stream().mapToInt(Integer::intValue).toArray();
    DetokenizeResponse.Builder response = DetokenizeResponse.newBuilder();
    long bytes = 0;
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= model.config().vocabularySize()) {
        Checks.token("ids[" + i + "]", ids[i], model.config().vocabularySize());
      }
      String token = model.tokenizer().text(ids[i]);
      byte[] piece = model.tokenizer().bytes(ids[i]);
      // Once by itself, once as bytes, once in the whole.
      bytes += 2L * token.length() + piece.length + OVERHEAD;
      Checks.responseFits(bytes, "send fewer ids at once");
      response.addTokens(token).addTokenBytes(ByteString.copyFrom(piece));
    }
    response.setText(new String(model.tokenizer().decode(ids), StandardCharsets.UTF_8));
    DetokenizeResponse built = response.build();
    Checks.responseFits(built.getSerializedSize(), "send fewer ids at once");
    return built;
  }
}
