package dev.loupe.sae.client;

import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc.InferenceServiceStub;
import dev.loupe.proto.inference.v1.StreamActivationsHeader;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsResponse;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.sae.corpus.ActivationFeed;
import dev.loupe.sae.corpus.BatchActivations;
import dev.loupe.sae.corpus.TokenBatch;
import dev.loupe.sae.dictionary.FloatRows;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.streams.BorrowedResponses;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.grpc.TensorAssembler;
import io.grpc.ManagedChannel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads activations over StreamActivations. A few batches are under way at once, so that the model
 * works while they are read, and no more, so that memory stays bounded. When the stream breaks, the
 * batches that were not finished are sent again on a new one: nothing is lost, nothing comes twice,
 * and the order is that of the batches whatever happens.
 */
final class StreamedFeed implements ActivationFeed {
  private static final Logger log = LoggerFactory.getLogger(StreamedFeed.class);
  private static final int WINDOW = 3;
  private static final long MAX_ARRAY_BYTES = 256L << 20;
  private static final long LOOK_AGAIN_MILLIS = 100;

  private final InferenceServiceStub stub;
  private final StreamActivationsRequest header;
  private final Iterator<TokenBatch> batches;
  private final Attempts attempts;
  private final Patience patience;
  private final Runnable stop;
  private final Deque<TokenBatch> unfinished = new ArrayDeque<>();
  private Connection connection;
  private int failures;
  private long lastArrival = System.nanoTime();

  StreamedFeed(
      ManagedChannel channel,
      String model,
      String hookPoint,
      Iterator<TokenBatch> batches,
      Patience patience,
      Runnable stop) {
    this.stub =
        InferenceServiceGrpc.newStub(channel)
            .withInterceptors(new BorrowedResponses())
            .withExecutor(Runnable::run); // what is called back never waits
    this.batches = batches;
    this.patience = patience;
    this.stop = stop;
    this.attempts = new Attempts(patience, stop, channel);
    this.header =
        StreamActivationsRequest.newBuilder()
            .setHeader(
                StreamActivationsHeader.newBuilder()
                    .setModel("models/" + model)
                    .addCaptures(Capture.newBuilder().setHookPoint(hookPoint)))
            .build();
  }

  @Override
  public Optional<BatchActivations> next() {
    if (unfinished.isEmpty() && !batches.hasNext()) {
      return Optional.empty();
    }
    while (true) {
      try {
        connect();
        sendAhead();
        LabelledTensor array = connection.await();
        TokenBatch batch = unfinished.removeFirst();
        failures = 0;
        lastArrival = System.nanoTime();
        sendAhead();
        FloatRows rows = ActivationLayout.rows(batch, array);
        connection.reuse(array);
        return Optional.of(new BatchActivations(batch, rows));
      } catch (BrokenStreamException e) {
        retryOrThrow(e.getCause());
      }
    }
  }

  private void connect() {
    if (connection != null) {
      return;
    }
    connection = new Connection();
    stub.streamActivations(connection);
    connection.send(header);
    unfinished.forEach(connection::sendBatch);
  }

  private void sendAhead() {
    while (unfinished.size() < WINDOW && batches.hasNext()) {
      TokenBatch batch = batches.next();
      unfinished.addLast(batch);
      connection.sendBatch(batch);
    }
  }

  private void retryOrThrow(Throwable failure) {
    disconnect();
    boolean patient = System.nanoTime() - lastArrival < patience.limit().toNanos();
    if (!LoupeErrors.passes(failure) || !patient) {
      throw Failures.inference(failure);
    }
    log.info(
        "the activation stream broke, {} batches will be sent again: {}",
        unfinished.size(),
        failure.getMessage());
    attempts.pauseAfter(failure, failures++);
  }

  private void disconnect() {
    if (connection != null) {
      connection.cancel();
      connection = null;
    }
  }

  @Override
  public void close() {
    disconnect();
  }

  /** The stream ended before everything that was sent was answered. */
  private static final class BrokenStreamException extends Exception {
    private static final long serialVersionUID = 1L;

    BrokenStreamException(Throwable cause) {
      super(cause);
    }
  }

  /** One attempt at the stream; the finished arrays wait in it. */
  private final class Connection
      implements ClientResponseObserver<StreamActivationsRequest, StreamActivationsResponse> {
    private final TensorAssembler assembler = new TensorAssembler(MAX_ARRAY_BYTES);
    private final Deque<LabelledTensor> finished = new ArrayDeque<>();
    private final Deque<Long> expected = new ArrayDeque<>();
    private ClientCallStreamObserver<StreamActivationsRequest> requests;
    private LabelledTensor whole;
    private Throwable failure;

    @Override
    public void beforeStart(ClientCallStreamObserver<StreamActivationsRequest> stream) {
      requests = stream;
    }

    void send(StreamActivationsRequest request) {
      requests.onNext(request);
    }

    void sendBatch(TokenBatch batch) {
      dev.loupe.proto.inference.v1.TokenBatch.Builder message =
          dev.loupe.proto.inference.v1.TokenBatch.newBuilder().setBatchId(batch.id());
      for (int[] row : batch.rows()) {
        TokenRow.Builder ids = TokenRow.newBuilder();
        for (int id : row) {
          ids.addIds(id);
        }
        message.addRows(ids);
      }
      synchronized (this) {
        if (failure != null) {
          return;
        }
        expected.addLast(batch.id());
      }
      send(StreamActivationsRequest.newBuilder().setBatch(message).build());
    }

    synchronized void reuse(LabelledTensor array) {
      assembler.reuse(array);
    }

    synchronized LabelledTensor await() throws BrokenStreamException {
      Duration silence = patience.limit();
      long end = System.nanoTime() + silence.toNanos();
      while (finished.isEmpty()) {
        if (failure != null) {
          throw new BrokenStreamException(failure);
        }
        stop.run();
        if (System.nanoTime() >= end) {
          throw new BrokenStreamException(
              io.grpc.Status.UNAVAILABLE
                  .withDescription("nothing came for " + silence.toSeconds() + " s")
                  .asRuntimeException());
        }
        try {
          wait(LOOK_AGAIN_MILLIS);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IllegalStateException("interrupted while waiting for activations", e);
        }
      }
      return finished.removeFirst();
    }

    void cancel() {
      requests.cancel("the reader is done with this stream", null);
    }

    @Override
    public synchronized void onNext(StreamActivationsResponse response) {
      if (failure != null) {
        return;
      }
      try {
        accept(response);
      } catch (RuntimeException e) {
        fail(e);
        requests.cancel("the answer breaks the protocol", e);
      }
    }

    private void accept(StreamActivationsResponse response) {
      Long batch = expected.peekFirst();
      if (batch == null || batch != response.getBatchId()) {
        throw new IllegalStateException(
            "the inference service answers batch %d; expected %s"
                .formatted(response.getBatchId(), batch));
      }
      if (response.hasChunk()) {
        assembler.add(response.getChunk().getChunk()).ifPresent(array -> whole = array);
      } else if (response.hasDone()) {
        if (whole == null) {
          throw new IllegalStateException("batch " + batch + " ended without its activations");
        }
        finished.addLast(whole);
        whole = null;
        expected.removeFirst();
        notifyAll();
      }
    }

    @Override
    public void onError(Throwable t) {
      fail(t);
    }

    @Override
    public void onCompleted() {
      fail(
          io.grpc.Status.UNAVAILABLE
              .withDescription("the inference service ended the stream")
              .asRuntimeException());
    }

    private synchronized void fail(Throwable t) {
      if (failure == null) {
        failure = t;
      }
      notifyAll();
    }
  }
}
