package dev.loupe.inference.grpc.requests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.inference.InferenceMetrics;
import dev.loupe.inference.scheduling.Arrivals;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.DeviceScheduler;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.server.sharing.MemoryBudget;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ExpectedPassesTest {
  private final DeviceRunner device =
      new DeviceRunner(
          new DeviceScheduler(1),
          new MemoryBudget(1, Duration.ZERO),
          new InferenceMetrics(new SimpleMeterRegistry()));
  private final ExpectedPasses expected = new ExpectedPasses(device);

  private ServerStreamTracer tracer(String method) {
    return expected.newServerStreamTracer(method, new Metadata());
  }

  @Test
  void aCallOfAForwardPassIsAnnouncedOnce() throws Exception {
    ServerStreamTracer tracer =
        tracer(InferenceServiceGrpc.getRunForwardPassMethod().getFullMethodName());
    Context call = tracer.filterContext(Context.ROOT);
    Arrivals.Arrival announced = call.call(() -> ExpectedPasses.current(device));
    assertThat(call.call(() -> ExpectedPasses.current(device))).isSameAs(announced);
    tracer.streamClosed(Status.CANCELLED);
  }

  @Test
  void otherCallsAreNot() throws Exception {
    ServerStreamTracer tracer =
        tracer(InferenceServiceGrpc.getListModelsMethod().getFullMethodName());
    assertThat(tracer.filterContext(Context.ROOT)).isSameAs(Context.ROOT);
    try (Arrivals.Arrival first = ExpectedPasses.current(device);
        Arrivals.Arrival second = ExpectedPasses.current(device)) {
      assertThat(first).isNotSameAs(second);
    }
  }
}
