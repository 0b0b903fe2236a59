package dev.loupe.server.operations;

import com.google.protobuf.Message;

/** What an operation does. */
@FunctionalInterface
public interface OperationWork {
  /**
   * Does it, on a thread of the runner's.
   *
   * @return what becomes the operation's response
   * @throws Exception what becomes its error
   */
  Message run(OperationContext context) throws Exception;
}
