package dev.loupe.inference.grpc;

import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsResponse;
import dev.loupe.proto.inference.v1.TokenBatch;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.ByteArrayOutputStream;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A client of StreamActivations that reads only when it is told to. */
final class ActivationClient
    implements ClientResponseObserver<StreamActivationsRequest, StreamActivationsResponse> {
  private final CompletableFuture<Throwable> end = new CompletableFuture<>();
  private final Map<String, ByteArrayOutputStream> received = new TreeMap<>();
  private final TreeSet<Long> done = new TreeSet<>();
  private ClientCallStreamObserver<StreamActivationsRequest> requests;
  private int messages;
  private int largestChunk;

  static ActivationClient open(TinyServer server) {
    return open(server.async());
  }

  static ActivationClient open(InferenceServiceGrpc.InferenceServiceStub stub) {
    ActivationClient client = new ActivationClient();
    stub.streamActivations(client);
    return client;
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<StreamActivationsRequest> stream) {
    requests = stream;
    stream.disableAutoRequestWithInitial(0);
  }

  ActivationClient send(StreamActivationsRequest request) {
    requests.onNext(request);
    return this;
  }

  ActivationClient send(TokenBatch batch) {
    return send(StreamActivationsRequest.newBuilder().setBatch(batch).build());
  }

  /** Reads this many messages more. */
  ActivationClient read(int count) {
    requests.request(count);
    return this;
  }

  ActivationClient halfClose() {
    requests.onCompleted();
    return this;
  }

  void cancel() {
    requests.cancel("the test goes away", null);
  }

  /** Waits for the end; null when the server ended the stream well. */
  Throwable end() throws Exception {
    Throwable failure = end.get(60, TimeUnit.SECONDS);
    return failure == NOTHING ? null : failure;
  }

  /** Waits until a batch is done. */
  synchronized void awaitDone(long batch) throws InterruptedException {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!done.contains(batch)) {
      if (System.nanoTime() > until || end.isDone()) {
        throw new AssertionError("batch " + batch + " was not answered");
      }
      wait(100);
    }
  }

  synchronized TreeSet<Long> done() {
    return new TreeSet<>(done);
  }

  /** Bytes by batch and hook point, of batches that are done. */
  synchronized Map<String, byte[]> bytes() {
    Map<String, byte[]> whole = new TreeMap<>();
    received.forEach(
        (key, value) -> {
          if (done.contains(Long.parseLong(key.substring(0, key.indexOf(' '))))) {
            whole.put(key, value.toByteArray());
          }
        });
    return whole;
  }

  synchronized int messages() {
    return messages;
  }

  synchronized int largestChunk() {
    return largestChunk;
  }

  private static final Throwable NOTHING = Status.OK.asException();

  @Override
  public synchronized void onNext(StreamActivationsResponse response) {
    messages++;
    if (response.hasDone()) {
      done.add(response.getBatchId());
    } else {
      var chunk = response.getChunk().getChunk();
      largestChunk = Math.max(largestChunk, chunk.getData().size());
      String key = response.getBatchId() + " " + response.getChunk().getHookPoint();
      ByteArrayOutputStream bytes = received.computeIfAbsent(key, k -> new ByteArrayOutputStream());
      if (chunk.getOffset() != bytes.size() || chunk.hasLayout() != (chunk.getOffset() == 0)) {
        throw new AssertionError("a chunk out of order: " + key + " at " + chunk.getOffset());
      }
      bytes.writeBytes(chunk.getData().toByteArray());
    }
    notifyAll();
  }

  @Override
  public void onError(Throwable failure) {
    end.complete(failure);
  }

  @Override
  public void onCompleted() {
    end.complete(NOTHING);
  }
}
