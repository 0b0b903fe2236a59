package dev.loupe.inference.grpc.heads;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;

/** Layers and heads as callers give them. */
final class HeadChecks {
  private HeadChecks() {}

  static void layer(String field, int layer, GptConfig config) {
    if (layer < 0 || layer >= config.layers()) {
      throw LoupeException.invalidValue(field, layer, "0 to " + (config.layers() - 1));
    }
  }

  static void head(String field, int head, GptConfig config) {
    if (head < 0 || head >= config.heads()) {
      throw LoupeException.invalid(
          ErrorReason.HEAD_OUT_OF_RANGE, field, head, "0 to " + (config.heads() - 1));
    }
  }
}
