package dev.loupe.standalone.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;

/** Says in one sentence why a call failed. */
public final class CallFailure {
  private CallFailure() {}

  /** The service's own words with the reason that it gave. */
  public static String explain(StatusRuntimeException failure) {
    String words = failure.getStatus().getDescription();
    String text = words == null ? "a service could not be reached" : words;
    return text + " (" + failure.getStatus().getCode() + reason(failure) + ")";
  }

  private static String reason(StatusRuntimeException failure) {
    Status status = StatusProto.fromThrowable(failure);
    if (status == null) {
      return "";
    }
    for (Any detail : status.getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        try {
          return ", " + detail.unpack(ErrorInfo.class).getReason();
        } catch (InvalidProtocolBufferException e) {
          return "";
        }
      }
    }
    return "";
  }
}
