package dev.loupe.inference.grpc.requests;

import dev.loupe.inference.scheduling.Arrivals;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;

/**
 * Announces each forward pass as soon as its call reaches the server, before its request is read:
 * of clients who ask at the same moment, most are then known before the first one's pass could
 * begin.
 */
public final class ExpectedPasses extends ServerStreamTracer.Factory {
  private static final Context.Key<Arrivals.Arrival> ARRIVAL = Context.key("loupe-arrival");
  private static final String METHOD =
      InferenceServiceGrpc.getRunForwardPassMethod().getFullMethodName();

  private final DeviceRunner device;

  /** Announces passes to this device. */
  public ExpectedPasses(DeviceRunner device) {
    this.device = device;
  }

  /** The running call's pass, announced now if it was not before. */
  public static Arrivals.Arrival current(DeviceRunner device) {
    Arrivals.Arrival announced = ARRIVAL.get();
    return announced == null ? device.expectPass() : announced;
  }

  @Override
  public ServerStreamTracer newServerStreamTracer(String fullMethodName, Metadata headers) {
    return fullMethodName.equals(METHOD)
        ? new Announced(device.expectPass())
        : new ServerStreamTracer() {};
  }

  private static final class Announced extends ServerStreamTracer {
    private final Arrivals.Arrival arrival;

    Announced(Arrivals.Arrival arrival) {
      this.arrival = arrival;
    }

    @Override
    public Context filterContext(Context context) {
      return context.withValue(ARRIVAL, arrival);
    }

    @Override
    public void streamClosed(Status status) {
      arrival.close();
    }
  }
}
