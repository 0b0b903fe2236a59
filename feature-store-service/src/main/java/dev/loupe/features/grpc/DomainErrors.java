package dev.loupe.features.grpc;

import dev.loupe.features.domain.AnswerTooLargeException;
import dev.loupe.features.domain.FeatureNotFoundException;
import dev.loupe.features.domain.LabelNotFoundException;
import dev.loupe.features.domain.StorageException;
import dev.loupe.features.domain.TooManyLabelsException;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;

/** Gives the domain's exceptions the reasons that callers know. */
final class DomainErrors {
  private DomainErrors() {}

  static RuntimeException translated(RuntimeException error) {
    if (error instanceof FeatureNotFoundException) {
      return LoupeException.of(ErrorReason.FEATURE_NOT_FOUND, error.getMessage(), error);
    }
    if (error instanceof LabelNotFoundException) {
      return LoupeException.of(ErrorReason.LABEL_NOT_FOUND, error.getMessage(), error);
    }
    if (error instanceof TooManyLabelsException) {
      return LoupeException.of(ErrorReason.INVALID_VALUE, error.getMessage(), error);
    }
    if (error instanceof AnswerTooLargeException) {
      return LoupeException.of(ErrorReason.RESPONSE_TOO_LARGE, error.getMessage(), error);
    }
    if (error instanceof StorageException storage) {
      return LoupeException.of(
          switch (storage.kind()) {
            case FULL -> ErrorReason.STORAGE_FULL;
            case UNAVAILABLE -> ErrorReason.STORAGE_UNAVAILABLE;
          },
          storage.getMessage(),
          storage);
    }
    return error;
  }
}
