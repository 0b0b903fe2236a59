package dev.loupe.benchmarks;

import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.Status;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * The requests of one client of a soak: every kind of call, good and bad; some have a deadline that
 * may pass, some are cancelled while they run.
 */
final class SoakMix {
  /** One kind of request. */
  interface Kind {
    /** Sends one and reads its whole answer. */
    void send(Random random) throws Exception;
  }

  /** How long the client waits for an answer. */
  private enum Patience {
    WHOLE(Status.Code.OK),
    LATE(Status.Code.DEADLINE_EXCEEDED),
    GONE(Status.Code.CANCELLED);

    private final Status.Code end;

    Patience(Status.Code end) {
      this.end = end;
    }
  }

  /** One in so many is late, and one in so many goes away. */
  private static final int IMPATIENT = 7;

  private static final int LONGEST_MICROS = 20_000;
  private static final String BAD = "bad request";

  private final Map<String, Kind> kinds = new LinkedHashMap<>();
  private final ScheduledExecutorService clock;

  /**
   * A client's requests.
   *
   * @param folder that models may be loaded from at run time
   * @param clock cancels calls
   */
  SoakMix(Channel channel, SoakRequests requests, Path folder, ScheduledExecutorService clock) {
    this.clock = clock;
    SoakRuns runs = new SoakRuns(channel, requests, folder);
    kinds.put("forward pass", runs::pass);
    kinds.put("forward pass, reductions", runs::reduced);
    kinds.put("forward pass, edits", runs::edited);
    kinds.put("activation cache", runs::cache);
    kinds.put("generation", runs::generate);
    kinds.put("second model", runs::second);
    kinds.put("tokens", runs::tokens);
    kinds.put("descriptions", runs::descriptions);
    kinds.put(BAD, runs::bad);
    SoakStreams streams = new SoakStreams(channel, requests);
    kinds.put("activation stream", streams::activations);
    kinds.put("live hooks", streams::hooks);
    kinds.put("linear attribution", streams::linearAttributions);
    kinds.put("neuron scan", streams::scan);
    SoakExplanations explanations = new SoakExplanations(channel, requests);
    kinds.put("logit lens", explanations::lens);
    kinds.put("logit attribution", explanations::logits);
    kinds.put("gradients", explanations::gradients);
    kinds.put("attribution patching", explanations::patchByAttribution);
    kinds.put("patching sweep", explanations::sweep);
    SoakWeights weights = new SoakWeights(channel, requests);
    kinds.put("head scores", weights::headScores);
    kinds.put("composition", weights::composition);
    kinds.put("copying", weights::copying);
    kinds.put("singular directions", weights::singularDirections);
    kinds.put("neuron effects", weights::neuronEffects);
    kinds.put("projection", weights::projection);
    kinds.put("nearest tokens", weights::nearestTokens);
  }

  /** How many kinds there are. */
  int size() {
    return kinds.size();
  }

  /**
   * Sends the request of this number.
   *
   * @return its kind and how it ended
   * @throws IllegalStateException when it ended as it may not
   */
  String send(int number) {
    Random random = new Random(number * 0x9E3779B97F4A7C15L);
    String name = kinds.keySet().stream().skip(number % kinds.size()).findFirst().orElseThrow();
    Patience patience =
        switch (random.nextInt(IMPATIENT)) {
          case 0 -> Patience.LATE;
          case 1 -> Patience.GONE;
          default -> Patience.WHOLE;
        };
    Status status = Status.OK;
    try {
      send(kinds.get(name), patience, random);
    } catch (Exception e) {
      status = Status.fromThrowable(e);
    }
    Status.Code whole = name.equals(BAD) ? Status.Code.INVALID_ARGUMENT : Status.Code.OK;
    Set<Status.Code> expected =
        patience == Patience.WHOLE ? EnumSet.of(whole) : EnumSet.of(whole, patience.end);
    if (!expected.contains(status.getCode())) {
      throw new IllegalStateException(
          "request %d, '%s', ended in %s; expected one of %s"
              .formatted(number, name, status, expected),
          status.getCause());
    }
    return name + ": " + status.getCode();
  }

  private void send(Kind kind, Patience patience, Random random) throws Exception {
    if (patience == Patience.WHOLE) {
      kind.send(random);
      return;
    }
    long micros = 200 + random.nextInt(LONGEST_MICROS);
    try (Context.CancellableContext context =
        patience == Patience.LATE
            ? Context.current().withDeadlineAfter(micros, TimeUnit.MICROSECONDS, clock)
            : Context.current().withCancellation()) {
      if (patience == Patience.GONE) {
        clock.schedule(() -> context.cancel(null), micros, TimeUnit.MICROSECONDS);
      }
      context.call(
          () -> {
            kind.send(random);
            return null;
          });
    }
  }
}
