package dev.loupe.benchmarks;

import dev.loupe.inference.InferenceConfig;
import dev.loupe.inference.InferenceServer;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.ListActivationCachesRequest;
import dev.loupe.server.Channels;
import io.grpc.ManagedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ObjIntConsumer;

/**
 * Sends a server thousands of mixed requests, good and bad, whole and broken off, from several
 * clients at once, and watches what the process takes.
 */
final class Soak {
  private static final long LOOK_AGAIN_MILLIS = 100;
  private static final long COMPILER_MILLIS = 8_000;
  private static final String ID = "soak";
  private static final long WEIGHT_BYTES = 1L << 30;

  private final int clients;
  private final Map<String, AtomicInteger> endings = new ConcurrentSkipListMap<>();

  Soak(int clients) {
    this.clients = clients;
  }

  /**
   * What a soak found.
   *
   * @param start after the first requests
   * @param end after all requests
   * @param largest at any look
   * @param seconds in all
   * @param endings how often each kind of request ended in each code
   */
  record Result(
      ProcessMemory start,
      ProcessMemory end,
      ProcessMemory largest,
      double seconds,
      Map<String, Integer> endings) {

    /** How far the process grew since its start, as a share. */
    double growth() {
      return (double) end.residentBytes() / start.residentBytes() - 1;
    }

    /** The same of what the native allocator says is in use; of all where it does not say. */
    double nativeGrowth() {
      return start.nativeBytes() == 0
          ? growth()
          : (double) end.nativeBytes() / start.nativeBytes() - 1;
    }
  }

  /**
   * Runs.
   *
   * @param requests in all
   * @param first requests after which the process has what it needs
   * @param looks at the memory between there and the end
   * @param watcher gets each look, with the number of requests done
   * @throws IllegalStateException when a request ends in a code that it may not
   */
  Result run(int requests, int first, int looks, ObjIntConsumer<ProcessMemory> watcher)
      throws Exception {
    long begun = System.nanoTime();
    try (BenchmarkModel model = BenchmarkModel.of(GptConfig.gpt2(3, 4, 32, 48, 257, 256));
        InferenceServer server =
            InferenceServer.start(
                InferenceConfig.of(
                        List.of(new ModelSpec(ID, new ModelSource.Folder(model.folder()))))
                    .withLoading(WEIGHT_BYTES, List.of(model.folder().getParent())))) {
      List<ManagedChannel> channels = new ArrayList<>();
      ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
      try {
        for (int client = 0; client < clients; client++) {
          channels.add(Channels.plaintext(server.target()));
        }
        SoakRequests parts = new SoakRequests("models/" + ID, model.config());
        List<SoakMix> mixes =
            channels.stream()
                .map(channel -> new SoakMix(channel, parts, model.folder(), clock))
                .toList();
        send(mixes, 0, first);
        awaitQuiet(channels.get(0), parts.model());
        ProcessMemory start = ProcessMemory.now();
        watcher.accept(start, first);
        ProcessMemory now = start;
        ProcessMemory largest = start;
        int done = first;
        for (int look = 1; look <= looks; look++) {
          int until = first + (int) ((long) (requests - first) * look / looks);
          send(mixes, done, until);
          done = until;
          awaitQuiet(channels.get(0), parts.model());
          now = ProcessMemory.now();
          watcher.accept(now, done);
          largest = now.residentBytes() > largest.residentBytes() ? now : largest;
        }
        return new Result(start, now, largest, (System.nanoTime() - begun) * 1e-9, counts());
      } finally {
        clock.shutdownNow();
        channels.forEach(ManagedChannel::shutdownNow);
      }
    }
  }

  /**
   * Kept activations belong to no request that runs; they go when their time is over. The JVM's
   * compiler gives what it worked with back some seconds after.
   */
  private static void awaitQuiet(ManagedChannel channel, String model) throws Exception {
    var inference = InferenceServiceGrpc.newBlockingStub(channel);
    var request =
        ListActivationCachesRequest.newBuilder()
            .setParent(model)
            .setOwnerKey(SoakRuns.OWNER_KEY)
            .build();
    while (inference.listActivationCaches(request).getActivationCachesCount() > 0) {
      Thread.sleep(LOOK_AGAIN_MILLIS);
    }
    Thread.sleep(COMPILER_MILLIS);
  }

  private Map<String, Integer> counts() {
    Map<String, Integer> counts = new TreeMap<>();
    endings.forEach((name, count) -> counts.put(name, count.get()));
    return counts;
  }

  /** Sends the requests of these numbers, shared between the clients. */
  private void send(List<SoakMix> mixes, int from, int until) throws Exception {
    AtomicInteger next = new AtomicInteger(from);
    ExecutorService threads = Executors.newFixedThreadPool(mixes.size());
    try {
      List<Future<?>> running = new ArrayList<>();
      for (SoakMix mix : mixes) {
        running.add(
            threads.submit(
                () -> {
                  for (int n = next.getAndIncrement(); n < until; n = next.getAndIncrement()) {
                    endings
                        .computeIfAbsent(mix.send(n), key -> new AtomicInteger())
                        .incrementAndGet();
                  }
                  return null;
                }));
      }
      for (Future<?> client : running) {
        client.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }
}
