package dev.loupe.server.operations;

import com.google.longrunning.Operation;
import com.google.protobuf.Any;

/**
 * What is stored of an operation.
 *
 * @param operation as callers see it
 * @param request that started it, to go on from after a restart
 */
public record OperationRecord(Operation operation, Any request) {
  /** The operation's name. */
  public String name() {
    return operation.getName();
  }

  OperationRecord with(Operation newer) {
    return new OperationRecord(newer, request);
  }
}
