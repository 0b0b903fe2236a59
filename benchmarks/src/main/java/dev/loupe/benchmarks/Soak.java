package dev.loupe.benchmarks;

import dev.loupe.inference.InferenceConfig;
import dev.loupe.inference.InferenceServer;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.server.Channels;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Sends a server thousands of mixed requests, good and bad, whole and broken off, from several
 * clients at once, and watches what the process takes.
 */
final class Soak {
  private static final String ID = "soak";

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
  }

  /**
   * Runs.
   *
   * @param requests in all
   * @param first requests after which the process has what it needs
   * @param looks at the memory between there and the end
   * @throws IllegalStateException when a request ends in a code that it may not
   */
  Result run(int requests, int first, int looks) throws Exception {
    long begun = System.nanoTime();
    try (BenchmarkModel model = BenchmarkModel.of(GptConfig.gpt2(3, 4, 32, 48, 257, 256));
        InferenceServer server =
            InferenceServer.start(
                InferenceConfig.of(
                    List.of(new ModelSpec(ID, new ModelSource.Folder(model.folder())))))) {
      List<ManagedChannel> channels = new ArrayList<>();
      try {
        for (int client = 0; client < clients; client++) {
          channels.add(Channels.plaintext(server.target()));
        }
        List<SoakMix> mixes =
            channels.stream().map(channel -> new SoakMix(channel, "models/" + ID, model)).toList();
        send(mixes, 0, first);
        ProcessMemory start = ProcessMemory.now();
        ProcessMemory now = start;
        ProcessMemory largest = start;
        int done = first;
        for (int look = 1; look <= looks; look++) {
          int until = first + (int) ((long) (requests - first) * look / looks);
          send(mixes, done, until);
          done = until;
          now = ProcessMemory.now();
          largest = now.residentBytes() > largest.residentBytes() ? now : largest;
        }
        return new Result(start, now, largest, (System.nanoTime() - begun) * 1e-9, counts());
      } finally {
        channels.forEach(ManagedChannel::shutdownNow);
      }
    }
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
                  Map<String, SoakMix.Entry> kinds = mix.kinds();
                  List<String> names = List.copyOf(kinds.keySet());
                  for (int n = next.getAndIncrement(); n < until; n = next.getAndIncrement()) {
                    String name = names.get(n % names.size());
                    send(name, kinds.get(name), new Random(n));
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

  private void send(String name, SoakMix.Entry entry, Random random) {
    Status status = Status.OK;
    try {
      entry.kind().send(random);
    } catch (Exception e) {
      status = Status.fromThrowable(e);
    }
    endings
        .computeIfAbsent(name + ": " + status.getCode(), key -> new AtomicInteger())
        .incrementAndGet();
    if (!entry.codes().contains(status.getCode())) {
      throw new IllegalStateException(
          "a request of kind '%s' ended in %s; expected one of %s"
              .formatted(name, status, entry.codes()),
          status.getCause());
    }
  }
}
