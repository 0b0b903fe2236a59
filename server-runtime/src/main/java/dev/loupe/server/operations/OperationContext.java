package dev.loupe.server.operations;

import com.google.protobuf.Message;

/** An operation as its work sees it. */
public interface OperationContext {
  /** The operation's name. */
  String name();

  /** Whether it should end now: someone cancelled it, or the server goes down. */
  boolean isStopped();

  /**
   * To be called now and then by the work, which saves what it needs to go on and lets the
   * exception through.
   *
   * @throws dev.loupe.server.errors.LoupeException OPERATION_CANCELLED or SHUTTING_DOWN when it
   *     should end now
   */
  void throwIfStopped();

  /**
   * Replaces the operation's metadata. Cheap: a slow watcher sees only the newest, and not all are
   * stored.
   */
  void progress(Message metadata);
}
