package dev.loupe.sae.grpc;

import dev.loupe.server.names.ResourcePattern;

/** The resource names of this service's API. */
final class Names {
  static final ResourcePattern DICTIONARY = ResourcePattern.of("dictionaries/{dictionary}");
  static final ResourcePattern CHECKPOINT = ResourcePattern.of("checkpoints/{checkpoint}");
  static final ResourcePattern CORPUS = ResourcePattern.of("corpora/{corpus}");
  static final ResourcePattern MODEL = ResourcePattern.of("models/{model}");
  static final ResourcePattern OPERATION =
      ResourcePattern.of("dictionaries/{dictionary}/operations/{operation}");

  private Names() {}
}
