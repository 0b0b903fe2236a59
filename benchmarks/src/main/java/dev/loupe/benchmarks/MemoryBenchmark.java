package dev.loupe.benchmarks;

import dev.loupe.inference.InferenceConfig;
import dev.loupe.inference.InferenceServer;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.server.Channels;
import dev.loupe.server.errors.LoupeErrors;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/**
 * What the server says that a request will take, over what is allocated while it runs. A prediction
 * is that of a server without any memory for requests, which refuses them. Below 1, requests could
 * be admitted that do not fit.
 */
final class MemoryBenchmark implements BenchmarkCase {
  private static final String ID = "bench";
  private static final int ROUNDS = 3;

  @Override
  public String name() {
    return "memory";
  }

  @Override
  public void run(BenchmarkModel model, Report report) throws Exception {
    InferenceConfig roomy =
        InferenceConfig.of(List.of(new ModelSpec(ID, new ModelSource.Folder(model.folder()))));
    InferenceConfig full =
        roomy.withBounds(roomy.maxCalls(), roomy.maxWaiting(), 1, Duration.ofSeconds(1));
    try (InferenceServer running = InferenceServer.start(roomy);
        InferenceServer refusing = InferenceServer.start(full)) {
      ManagedChannel open = Channels.plaintext(running.target());
      ManagedChannel closed = Channels.plaintext(refusing.target());
      try {
        LargeRequests requests = new LargeRequests("models/" + ID, model.config());
        for (var request : requests.all().entrySet()) {
          double predicted = predicted(closed, request.getValue());
          Used used = used(open, request.getValue());
          String name = request.getKey();
          report.number("memory_predicted_over_allocated_" + name, predicted / used.allocated());
          report.number("memory_allocated_bytes_" + name, used.allocated());
          report.number("memory_resident_bytes_" + name, used.resident());
        }
      } finally {
        Channels.close(open);
        Channels.close(closed);
      }
    }
  }

  private static double predicted(Channel refusing, Consumer<Channel> request) {
    try {
      request.accept(refusing);
    } catch (StatusRuntimeException e) {
      String bytes = LoupeErrors.metadata(e).get("bytes");
      if (bytes != null) {
        return Double.parseDouble(bytes);
      }
      throw e;
    }
    throw new IllegalStateException("a server without memory answered");
  }

  /** Bytes at the highest of some rounds, beyond those before it. */
  private static Used used(Channel running, Consumer<Channel> request) throws Exception {
    request.accept(running);
    Used most = new Used(0, 0);
    for (int round = 0; round < ROUNDS; round++) {
      ProcessMemory before = ProcessMemory.now();
      NativeHeap.giveBack();
      ProcessMemory.resetPeak();
      long resident = ProcessMemory.resident();
      try (NativeHeap.Peak peak = NativeHeap.watch()) {
        request.accept(running);
        most =
            new Used(
                Math.max(most.allocated, peak.bytes() - before.nativeBytes()),
                Math.max(most.resident, ProcessMemory.peak() - resident));
      }
    }
    return most;
  }

  /**
   * What a request took.
   *
   * @param allocated at the C library's allocator, sampled
   * @param resident of the process, with what the allocator cannot use between allocations
   */
  private record Used(long allocated, long resident) {}
}
