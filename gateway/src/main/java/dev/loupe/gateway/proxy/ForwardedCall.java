package dev.loupe.gateway.proxy;

import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/**
 * One call that passes through: messages go through in both directions as fast as the slower side
 * takes them, the client's cancellation ends the service's work, and the service's status and
 * trailers end the call.
 */
final class ForwardedCall {
  /** Messages that may be under way in each direction; enough to keep a stream of chunks moving. */
  private static final int WINDOW = 4;

  private final ServerCall<byte[], byte[]> inbound;
  private final ClientCall<byte[], byte[]> outbound;
  private final Upstream upstream;
  private final ForwardingMeters meters;
  private final Valve requests;
  private final Valve responses;

  ForwardedCall(
      ServerCall<byte[], byte[]> inbound,
      ClientCall<byte[], byte[]> outbound,
      Upstream upstream,
      ForwardingMeters meters) {
    this.inbound = inbound;
    this.outbound = outbound;
    this.upstream = upstream;
    this.meters = meters;
    this.requests = new Valve(outbound::isReady, inbound::request);
    this.responses = new Valve(inbound::isReady, outbound::request);
  }

  /** Begins, and gives what listens to the client. */
  ServerCall.Listener<byte[]> start(Metadata headers) {
    meters.opened();
    outbound.start(new FromService(), HopHeaders.passedOn(headers));
    inbound.request(WINDOW);
    outbound.request(WINDOW);
    return new FromClient();
  }

  private final class FromClient extends ServerCall.Listener<byte[]> {
    @Override
    public void onMessage(byte[] message) {
      meters.sent(message.length);
      outbound.sendMessage(message);
      requests.passed();
    }

    @Override
    public void onHalfClose() {
      outbound.halfClose();
    }

    @Override
    public void onCancel() {
      outbound.cancel("the gateway's client went away", null);
    }

    @Override
    public void onReady() {
      responses.ready();
    }
  }

  private final class FromService extends ClientCall.Listener<byte[]> {
    @Override
    public void onHeaders(Metadata headers) {
      inbound.sendHeaders(HopHeaders.passedOn(headers));
    }

    @Override
    public void onMessage(byte[] message) {
      meters.received(message.length);
      inbound.sendMessage(message);
      responses.passed();
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      meters.closed();
      if (status.isOk()) {
        inbound.close(status, HopHeaders.passedOn(trailers));
        return;
      }
      StatusRuntimeException error = upstream.error(status, HopHeaders.passedOn(trailers));
      if (error.getStatus().getCode() == Status.Code.UNAVAILABLE) {
        meters.unavailable();
      }
      inbound.close(error.getStatus(), error.getTrailers());
    }

    @Override
    public void onReady() {
      requests.ready();
    }
  }
}
