package dev.loupe.sae.grpc;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.loupe.proto.sae.v1.EvaluateDictionaryRequest;
import dev.loupe.proto.sae.v1.PublishFeaturesRequest;
import dev.loupe.proto.sae.v1.TrainDictionaryRequest;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.operations.OperationRecord;
import dev.loupe.server.operations.OperationRunner;
import java.util.function.Supplier;

/**
 * Which dictionaries and corpora unfinished operations work with. What looks for them and then
 * begins to use or deletes them does both in one {@link #step}.
 */
final class Usage {
  private final OperationRunner operations;

  Usage(OperationRunner operations) {
    this.operations = operations;
  }

  /** Runs what must see nothing begun or deleted by others meanwhile. Short, and never remote. */
  synchronized <R> R step(Supplier<R> work) {
    return work.get();
  }

  /** Fails with DICTIONARY_IN_USE while an operation works on the dictionary. */
  void requireDictionaryFree(String name) {
    for (OperationRecord record : operations.unfinished()) {
      if (record.name().startsWith(name + "/")) {
        throw inUse(ErrorReason.DICTIONARY_IN_USE, name, record);
      }
    }
  }

  /** Fails with CORPUS_IN_USE while an operation reads the corpus. */
  void requireCorpusFree(String name) {
    for (OperationRecord record : operations.unfinished()) {
      if (corpus(record.request()).equals(name)) {
        throw inUse(ErrorReason.CORPUS_IN_USE, name, record);
      }
    }
  }

  private static LoupeException inUse(ErrorReason reason, String name, OperationRecord record) {
    return LoupeException.of(
            reason,
            "%s is in use by operation %s; cancel it, or wait for its end"
                .formatted(name, record.name()))
        .with("operation", record.name());
  }

  private static String corpus(Any request) {
    try {
      if (request.is(TrainDictionaryRequest.class)) {
        return request.unpack(TrainDictionaryRequest.class).getCorpus();
      }
      if (request.is(EvaluateDictionaryRequest.class)) {
        return request.unpack(EvaluateDictionaryRequest.class).getCorpus();
      }
      if (request.is(PublishFeaturesRequest.class)) {
        return request.unpack(PublishFeaturesRequest.class).getCorpus();
      }
      return "";
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a stored request cannot be read", e);
    }
  }
}
