package dev.loupe.benchmarks;

import dev.loupe.server.Channels;
import dev.loupe.server.GrpcServer;
import dev.loupe.tensor.ElementType;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.LabelledTensor;
import io.grpc.ManagedChannel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;

/**
 * The activation stream alone: one residual hook point's values for batches of 8 x 128 tokens,
 * ready in memory, until the client has each in memory of its own; beside Arrow Flight with the
 * same bytes.
 */
final class StreamBenchmark implements BenchmarkCase {
  private static final int ROWS = 8;
  private static final int POSITIONS = 128;
  private static final int BATCHES = 200;
  private static final int ROUNDS = 15;

  @Override
  public String name() {
    return "stream";
  }

  @Override
  public void run(BenchmarkModel model, Report report) throws Exception {
    int width = model.config().dModel();
    ByteBuffer data = randomFloats(ROWS * POSITIONS * width);
    LabelledTensor tensor =
        new LabelledTensor(
            new HostTensor(ElementType.F32, new long[] {ROWS, POSITIONS, width}, data),
            List.of("batch", "pos", "d_model"));
    long bytes = (long) BATCHES * data.remaining();
    try (ReadyActivations ready = new ReadyActivations(tensor, BATCHES);
        GrpcServer server = GrpcServer.builder().service(ready).start();
        FlightRival flight = new FlightRival(data, width, BATCHES)) {
      ManagedChannel channel = Channels.plaintext("127.0.0.1:" + server.port());
      try {
        List<Timing> timings =
            Timing.byTurns(
                ROUNDS,
                () -> expect(bytes, ActivationReader.read(channel, List.of())),
                () -> expect(bytes, flight.receive()));
        report.number("stream_gb_per_s", bytes * 1e-9 / timings.get(0).minimum());
        report.number("stream_gb_per_s_median", bytes * 1e-9 / timings.get(0).median());
        report.ratio("stream_over_flight", timings.get(1), timings.get(0));
        report.seconds("stream_seconds", timings.get(0));
        report.seconds("flight_seconds", timings.get(1));
      } finally {
        Channels.close(channel);
      }
    }
  }

  private static ByteBuffer randomFloats(int count) {
    ByteBuffer data = ByteBuffer.allocateDirect(4 * count).order(ByteOrder.LITTLE_ENDIAN);
    Random random = new Random(5);
    for (int i = 0; i < count; i++) {
      data.putFloat((float) random.nextGaussian());
    }
    return data.flip();
  }

  private static void expect(long bytes, long received) {
    if (received != bytes) {
      throw new IllegalStateException("received " + received + " bytes of " + bytes);
    }
  }
}
