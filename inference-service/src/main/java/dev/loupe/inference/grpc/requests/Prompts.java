package dev.loupe.inference.grpc.requests;

import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.TokenBatch;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.util.ArrayList;
import java.util.List;

/** Reads prompts and rows of tokens. */
public final class Prompts {
  private static final int MAX_BATCH_ROWS = 256;
  private static final String WITH_BOS = ", one of them the beginning-of-text token";

  private final ServedModel model;

  public Prompts(ServedModel model) {
    this.model = model;
  }

  /** Prompts as rows of tokens. */
  public List<int[]> rows(String field, List<Prompt> prompts, boolean omitBos, int most) {
    Checks.size(field, prompts.size(), 1, most);
    List<int[]> rows = new ArrayList<>(prompts.size());
    for (int i = 0; i < prompts.size(); i++) {
      rows.add(row(field + "[" + i + "]", prompts.get(i), omitBos));
    }
    return rows;
  }

  /** One prompt as a row of tokens. */
  public int[] row(String field, Prompt prompt, boolean omitBos) {
    return switch (prompt.getContentCase()) {
      case TEXT -> text(field + ".text", prompt, omitBos);
      case TOKENS -> tokens(field + ".tokens", prompt.getTokens());
      case CONTENT_NOT_SET ->
          throw LoupeException.of(
              ErrorReason.EMPTY_PROMPT, field + " is empty; set text or tokens");
    };
  }

  /** Whether the beginning-of-text token is put before a prompt. */
  public boolean prependsBos(Prompt prompt, boolean omitBos) {
    return prompt.hasText() && prependsBos(omitBos);
  }

  private boolean prependsBos(boolean omitBos) {
    return !omitBos && model.bosToken() >= 0;
  }

  private int[] text(String field, Prompt prompt, boolean omitBos) {
    String text = prompt.getText();
    if (text.isEmpty()) {
      throw LoupeException.of(
          ErrorReason.EMPTY_PROMPT,
          field
              + " is empty; give at least one character, or as tokens the beginning-of-text token"
              + " alone");
    }
    boolean literal = prompt.getLiteralSpecialTokens();
    int[] ids =
        DomainErrors.translated(
            () -> {
              // A text of megabytes is refused before it is cut into tokens.
              checkLength(field, "at least ", model.tokenizer().fewestTokens(text), "");
              return model.tokenizer().encode(text, literal).ids();
            });
    boolean bos = prependsBos(omitBos);
    int[] row = bos ? withBos(ids) : ids;
    checkLength(field, "", row.length, bos ? WITH_BOS + " (omit_bos leaves it out)" : "");
    for (int id : row) {
      Checks.token(field, id, model.config().vocabularySize());
    }
    return row;
  }

  private int[] withBos(int[] ids) {
    int[] all = new int[ids.length + 1];
    all[0] = model.bosToken();
    System.arraycopy(ids, 0, all, 1, ids.length);
    return all;
  }

  /** The rows of a stream's batch. */
  public List<int[]> batch(TokenBatch batch) {
    String field = "batch " + batch.getBatchId() + ".rows";
    Checks.size(field, batch.getRowsCount(), 1, MAX_BATCH_ROWS);
    List<int[]> rows = new ArrayList<>(batch.getRowsCount());
    for (int i = 0; i < batch.getRowsCount(); i++) {
      rows.add(tokens(field + "[" + i + "]", batch.getRows(i)));
    }
    return rows;
  }

  /** A row of token ids as it is. */
  public int[] tokens(String field, TokenRow row) {
    if (row.getIdsCount() == 0) {
      throw LoupeException.of(
          ErrorReason.EMPTY_PROMPT,
          "%s is empty; give 1 to %d ids".formatted(field, model.config().contextLength()));
    }
    checkLength(field, "", row.getIdsCount(), row.getIds(0) == model.bosToken() ? WITH_BOS : "");
    int[] ids = new int[row.getIdsCount()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = row.getIds(i);
      if (ids[i] < 0 || ids[i] >= model.config().vocabularySize()) {
        Checks.token(field + ".ids[" + i + "]", ids[i], model.config().vocabularySize());
      }
    }
    return ids;
  }

  private void checkLength(String field, String atLeast, int length, String ofThem) {
    int most = model.config().contextLength();
    if (length > most) {
      throw LoupeException.of(
              ErrorReason.PROMPT_TOO_LONG,
              "%s has %s%d tokens%s; the model's context holds %d"
                  .formatted(field, atLeast, length, ofThem, most))
          .with("field", field)
          .with("limit", most);
    }
  }
}
