package dev.loupe.server.errors;

import io.grpc.Status;

/**
 * Every reason for which a call to Loupe can fail, as {@code google.rpc.ErrorInfo.reason} carries
 * it, with the gRPC status that goes with it and whether trying again may help. The headers of the
 * {@code .proto} files say which service gives which.
 */
public enum ErrorReason {
  EMPTY_PROMPT(Kind.USER, Status.Code.INVALID_ARGUMENT),
  PROMPT_TOO_LONG(Kind.USER, Status.Code.INVALID_ARGUMENT),
  TOKEN_OUT_OF_RANGE(Kind.USER, Status.Code.INVALID_ARGUMENT),
  POSITION_OUT_OF_RANGE(Kind.USER, Status.Code.INVALID_ARGUMENT),
  HEAD_OUT_OF_RANGE(Kind.USER, Status.Code.INVALID_ARGUMENT),
  UNKNOWN_HOOK_POINT(Kind.USER, Status.Code.INVALID_ARGUMENT),
  WRONG_SHAPE(Kind.USER, Status.Code.INVALID_ARGUMENT),
  NOT_FINITE(Kind.USER, Status.Code.INVALID_ARGUMENT),
  INVALID_VALUE(Kind.USER, Status.Code.INVALID_ARGUMENT),
  INVALID_NAME(Kind.USER, Status.Code.INVALID_ARGUMENT),
  INVALID_PAGE_TOKEN(Kind.USER, Status.Code.INVALID_ARGUMENT),
  INVALID_ORDER(Kind.USER, Status.Code.INVALID_ARGUMENT),
  INVALID_FILTER(Kind.USER, Status.Code.INVALID_ARGUMENT),

  MODEL_NOT_FOUND(Kind.USER, Status.Code.NOT_FOUND),
  CACHE_NOT_FOUND(Kind.USER, Status.Code.NOT_FOUND),
  CHECKPOINT_NOT_FOUND(Kind.USER, Status.Code.NOT_FOUND),
  DICTIONARY_NOT_FOUND(Kind.USER, Status.Code.NOT_FOUND),
  CORPUS_NOT_FOUND(Kind.USER, Status.Code.NOT_FOUND),
  FEATURE_NOT_FOUND(Kind.USER, Status.Code.NOT_FOUND),
  LABEL_NOT_FOUND(Kind.USER, Status.Code.NOT_FOUND),
  OPERATION_NOT_FOUND(Kind.USER, Status.Code.NOT_FOUND),

  MODEL_EXISTS(Kind.USER, Status.Code.ALREADY_EXISTS),
  DICTIONARY_EXISTS(Kind.USER, Status.Code.ALREADY_EXISTS),
  CORPUS_EXISTS(Kind.USER, Status.Code.ALREADY_EXISTS),

  DICTIONARY_IN_USE(Kind.USER, Status.Code.FAILED_PRECONDITION),
  CORPUS_IN_USE(Kind.USER, Status.Code.FAILED_PRECONDITION),
  UNREADABLE_DICTIONARY(Kind.USER, Status.Code.FAILED_PRECONDITION),
  /** A model's files are missing, truncated, corrupt or of a kind that is not supported. */
  UNREADABLE_MODEL(Kind.USER, Status.Code.FAILED_PRECONDITION),
  /** Text was given to a model that was loaded without a tokenizer. */
  NO_TOKENIZER(Kind.USER, Status.Code.FAILED_PRECONDITION),
  MODEL_MISMATCH(Kind.USER, Status.Code.FAILED_PRECONDITION),
  /** An operation that still runs cannot be deleted. */
  OPERATION_RUNNING(Kind.USER, Status.Code.FAILED_PRECONDITION),

  /** The request is for a name that the gateway does not answer to. */
  HOST_NOT_ALLOWED(Kind.USER, Status.Code.PERMISSION_DENIED),
  /** The request comes from a web page that may not call the gateway. */
  ORIGIN_NOT_ALLOWED(Kind.USER, Status.Code.PERMISSION_DENIED),

  /** The client went away, or cancelled the call. */
  CALL_CANCELLED(Kind.USER, Status.Code.CANCELLED, Outlook.PASSES),
  OPERATION_CANCELLED(Kind.USER, Status.Code.CANCELLED),
  HOOK_DEADLINE(Kind.USER, Status.Code.DEADLINE_EXCEEDED, Outlook.PASSES),
  /** The client read or wrote nothing for longer than the server waits. */
  CLIENT_TOO_SLOW(Kind.USER, Status.Code.DEADLINE_EXCEEDED, Outlook.PASSES),

  RESPONSE_TOO_LARGE(Kind.RESOURCES, Status.Code.RESOURCE_EXHAUSTED),
  MESSAGE_TOO_LARGE(Kind.RESOURCES, Status.Code.RESOURCE_EXHAUSTED),
  QUEUE_FULL(Kind.RESOURCES, Status.Code.RESOURCE_EXHAUSTED, Outlook.PASSES),
  OUT_OF_BUDGET(Kind.RESOURCES, Status.Code.RESOURCE_EXHAUSTED),

  STORAGE_FULL(Kind.RESOURCES, Status.Code.UNAVAILABLE),
  STORAGE_UNAVAILABLE(Kind.RESOURCES, Status.Code.UNAVAILABLE, Outlook.PASSES),
  INFERENCE_UNAVAILABLE(Kind.RESOURCES, Status.Code.UNAVAILABLE, Outlook.PASSES),
  SERVICE_UNAVAILABLE(Kind.RESOURCES, Status.Code.UNAVAILABLE, Outlook.PASSES),
  /** The server is going down; the call may be tried again elsewhere. */
  SHUTTING_DOWN(Kind.RESOURCES, Status.Code.UNAVAILABLE, Outlook.PASSES),
  /** Another program listens on the port. */
  PORT_IN_USE(Kind.RESOURCES, Status.Code.UNAVAILABLE),

  /** The server went down while the operation ran, and cannot go on with it. */
  INTERRUPTED(Kind.INTERNAL, Status.Code.ABORTED, Outlook.PASSES),
  /** A defect of Loupe; the server's log says more under the id in the message. */
  INTERNAL(Kind.INTERNAL, Status.Code.INTERNAL);

  /** Who can do something about an error. */
  public enum Kind {
    /** The caller, by asking otherwise. */
    USER,
    /** Loupe's developers. */
    INTERNAL,
    /** The operator, by giving more room, or the caller, by trying later or asking for less. */
    RESOURCES
  }

  private enum Outlook {
    /** The same call fails again until somebody has done something about it. */
    STAYS,
    /** The same call may succeed later, or elsewhere. */
    PASSES
  }

  private final Kind kind;
  private final Status.Code code;
  private final Outlook outlook;

  ErrorReason(Kind kind, Status.Code code) {
    this(kind, code, Outlook.STAYS);
  }

  ErrorReason(Kind kind, Status.Code code, Outlook outlook) {
    this.kind = kind;
    this.code = code;
    this.outlook = outlook;
  }

  /** Who can do something about it. */
  public Kind kind() {
    return kind;
  }

  /** The gRPC status code that it travels under. */
  public Status.Code code() {
    return code;
  }

  /**
   * Whether the same call may succeed later, or elsewhere, with nothing changed. Such errors carry
   * {@code google.rpc.RetryInfo}; one of another reason may do so too, where the place that throws
   * it knows better.
   */
  public boolean passes() {
    return outlook == Outlook.PASSES;
  }
}
