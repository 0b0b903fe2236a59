package dev.loupe.inference.scheduling;

import dev.loupe.inference.InferenceMetrics;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.PassMember;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.server.sharing.Departure;
import dev.loupe.server.sharing.MemoryBudget;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Runs forward passes, those that wait at the same time as one. A pass that finds the device free
 * waits a moment for such as are on their way already, and only then; what gathers while it runs is
 * run together by whichever of them is next. When a pass of several fails, each is run alone, so
 * that one's mistake is its own.
 */
final class SharedPasses {
  private final DeviceScheduler scheduler;
  private final Arrivals arrivals;
  private final MemoryBudget budget;
  private final InferenceMetrics metrics;

  SharedPasses(
      DeviceScheduler scheduler, Arrivals arrivals, MemoryBudget budget, InferenceMetrics metrics) {
    this.scheduler = scheduler;
    this.arrivals = arrivals;
    this.budget = budget;
    this.metrics = metrics;
  }

  /** A pass and what came of it. */
  private static final class Ticket<T> implements DeviceScheduler.Passenger {
    final PassRequest<T> request;
    private final Runnable whenQueued;
    final long queued = System.nanoTime();
    boolean mustRunAlone;
    private T answer;
    private Throwable failure;

    Ticket(PassRequest<T> request, Runnable whenQueued) {
      this.request = request;
      this.whenQueued = whenQueued;
    }

    @Override
    public void queued() {
      whenQueued.run();
    }

    PassMember member() {
      return new PassMember(request.scope(), request.batch(), request.program(), request.logits());
    }

    void finish(ForwardResult result) {
      try {
        request.call().check();
        answer = request.onDevice().apply(result);
      } catch (RuntimeException | Error e) {
        failure = e;
      }
    }

    T outcome() {
      if (failure instanceof Error error) {
        throw error;
      }
      if (failure != null) {
        throw (RuntimeException) failure;
      }
      return answer;
    }
  }

  /**
   * Runs a pass.
   *
   * @param whenQueued told that the pass is in the queue, or cannot be taken along by others
   */
  <T> T run(PassRequest<T> request, Runnable whenQueued) {
    Ticket<T> ticket = new Ticket<>(request, whenQueued);
    boolean shareable = PassBatch.isShareable(request);
    if (!shareable) {
      whenQueued.run();
    }
    Optional<DeviceTurn> own =
        shareable
            ? scheduler.takeOrRide(request.call(), ticket)
            : Optional.of(scheduler.take(request.call()));
    if (own.isPresent()) {
      try (DeviceTurn turn = own.get()) {
        if (shareable) {
          runWithOthers(turn, ticket);
        } else {
          runTogether(turn, List.of(ticket));
        }
      }
    }
    if (ticket.mustRunAlone) {
      try (DeviceTurn turn = scheduler.takeAgain(request.call())) {
        runTogether(turn, List.of(ticket));
      }
    }
    return ticket.outcome();
  }

  private void runWithOthers(DeviceTurn turn, Ticket<?> ticket) {
    arrivals.await();
    try (PassBatch batch = new PassBatch(ticket.request, budget)) {
      DeviceScheduler.Company company =
          scheduler.takeAlong(waiting -> batch.accepts(((Ticket<?>) waiting).request));
      try {
        List<Ticket<?>> all = new ArrayList<>();
        all.add(ticket);
        company.passengers().forEach(passenger -> all.add((Ticket<?>) passenger));
        runTogether(turn, all);
      } finally {
        company.serve();
      }
    }
  }

  private void runTogether(DeviceTurn turn, List<Ticket<?>> tickets) {
    PassRequest<?> first = tickets.get(0).request;
    turn.actFor(everyone(tickets));
    long begun = System.nanoTime();
    tickets.forEach(ticket -> metrics.waited(begun - ticket.queued));
    try {
      turn.work(() -> passThrough(first.model(), tickets, turn));
      long took = System.nanoTime() - begun;
      arrivals.passTook(took);
      metrics.ran(work(tickets), took);
    } catch (RuntimeException | Error e) {
      if (tickets.size() == 1) {
        tickets.get(0).failure = e;
      } else {
        tickets.forEach(ticket -> ticket.mustRunAlone = true);
      }
    }
  }

  private static Void passThrough(ServedModel model, List<Ticket<?>> tickets, DeviceTurn turn) {
    List<ForwardResult> results =
        model
            .transformer()
            .forwardTogether(tickets.stream().map(Ticket::member).toList(), turn.control());
    for (int i = 0; i < results.size(); i++) {
      tickets.get(i).finish(results.get(i));
    }
    return null;
  }

  private static Work work(List<Ticket<?>> tickets) {
    int rows = tickets.stream().mapToInt(ticket -> ticket.request.batch().rows()).sum();
    int tokens = tickets.stream().mapToInt(ticket -> ticket.request.batch().tokens()).sum();
    return new Work(tickets.get(0).request.model().id(), rows, tokens);
  }

  /** A call that is given up when all of these are. */
  private static Call everyone(List<Ticket<?>> tickets) {
    List<Call> calls = tickets.stream().<Call>map(ticket -> ticket.request.call()).toList();
    Call first = calls.get(0);
    if (calls.size() == 1) {
      return first;
    }
    return new Call(
        first.tenant(),
        () -> {
          if (calls.stream().allMatch(Call::isGone)) {
            first.check();
          }
        },
        new Departure() {
          @Override
          public void listen(Runnable listener) {
            calls.forEach(call -> call.departure().listen(listener));
          }

          @Override
          public void ignore(Runnable listener) {
            calls.forEach(call -> call.departure().ignore(listener));
          }
        });
  }
}
