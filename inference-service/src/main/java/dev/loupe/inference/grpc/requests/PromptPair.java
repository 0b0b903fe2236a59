package dev.loupe.inference.grpc.requests;

import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.server.errors.LoupeException;

/**
 * Two rows of the same length: where activations are taken from, and where they are put.
 *
 * @param clean token ids
 * @param corrupt token ids
 */
public record PromptPair(int[] clean, int[] corrupt) {

  /**
   * Reads the fields {@code clean} and {@code corrupt}.
   *
   * @throws LoupeException INVALID_VALUE when they have different numbers of tokens
   */
  public static PromptPair read(
      ServedModel model, Prompt cleanPrompt, Prompt corruptPrompt, boolean omitBos) {
    Prompts prompts = new Prompts(model);
    int[] clean = prompts.row("clean", cleanPrompt, omitBos);
    int[] corrupt = prompts.row("corrupt", corruptPrompt, omitBos);
    if (clean.length != corrupt.length) {
      throw LoupeException.invalidValue(
          "corrupt",
          corrupt.length + " tokens",
          "%d tokens, as many as clean has".formatted(clean.length));
    }
    return new PromptPair(clean, corrupt);
  }
}
