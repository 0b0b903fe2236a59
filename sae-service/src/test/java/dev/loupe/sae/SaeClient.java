package dev.loupe.sae;

import com.google.longrunning.GetOperationRequest;
import com.google.longrunning.Operation;
import com.google.longrunning.OperationsGrpc;
import com.google.longrunning.OperationsGrpc.OperationsBlockingStub;
import dev.loupe.proto.sae.v1.Corpus;
import dev.loupe.proto.sae.v1.CorpusHeader;
import dev.loupe.proto.sae.v1.CorpusRow;
import dev.loupe.proto.sae.v1.CorpusRows;
import dev.loupe.proto.sae.v1.CreateCorpusRequest;
import dev.loupe.proto.sae.v1.SaeServiceGrpc;
import dev.loupe.proto.sae.v1.SaeServiceGrpc.SaeServiceBlockingStub;
import dev.loupe.proto.sae.v1.SaeServiceGrpc.SaeServiceStub;
import dev.loupe.proto.sae.v1.TopKArchitecture;
import dev.loupe.proto.sae.v1.TrainDictionaryRequest;
import dev.loupe.proto.sae.v1.TrainingSchedule;
import dev.loupe.server.Channels;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/** A client of the sae service for tests. */
public final class SaeClient implements AutoCloseable {
  private final ManagedChannel channel;

  public SaeClient(String target) {
    this.channel = Channels.plaintext(target);
  }

  public SaeServiceBlockingStub stub() {
    return SaeServiceGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
  }

  public SaeServiceStub async() {
    return SaeServiceGrpc.newStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
  }

  public OperationsBlockingStub operations() {
    return OperationsGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
  }

  /** Rows of random tokens in which some pairs of tokens follow each other often. */
  public static List<int[]> randomRows(int count, long seed) {
    Random random = new Random(seed);
    List<int[]> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[] row = new int[8 + random.nextInt(20)];
      row[0] = TinyInference.BOS;
      for (int j = 1; j < row.length; j++) {
        row[j] = random.nextInt(3) == 0 ? (row[j - 1] * 7 + 3) % 200 : random.nextInt(200);
      }
      rows.add(row);
    }
    return rows;
  }

  public Corpus createCorpus(String id, List<int[]> rows) {
    return createCorpus(id, TinyInference.MODEL, rows);
  }

  public Corpus createCorpus(String id, String model, List<int[]> rows) {
    Call<Corpus> call = new Call<>();
    StreamObserver<CreateCorpusRequest> requests = async().createCorpus(call);
    requests.onNext(
        CreateCorpusRequest.newBuilder()
            .setHeader(CorpusHeader.newBuilder().setCorpusId(id).setModel(model))
            .build());
    for (int first = 0; first < rows.size(); first += 50) {
      CorpusRows.Builder part = CorpusRows.newBuilder();
      for (int[] row : rows.subList(first, Math.min(rows.size(), first + 50))) {
        CorpusRow.Builder message = CorpusRow.newBuilder();
        for (int token : row) {
          message.addIds(token);
        }
        part.addRows(message);
      }
      requests.onNext(CreateCorpusRequest.newBuilder().setRows(part).build());
    }
    requests.onCompleted();
    return call.all().get(0);
  }

  /** A small TopK dictionary of the golden model. */
  public static TrainDictionaryRequest.Builder training(String id, long steps) {
    return TrainDictionaryRequest.newBuilder()
        .setDictionaryId(id)
        .setModel(TinyInference.MODEL)
        .setHookPoint(TinyInference.HOOK_POINT)
        .setCorpus("corpora/texts")
        .setDSae(96)
        .setTopk(TopKArchitecture.newBuilder().setK(8).setAuxkCoefficient(1f / 32))
        .setSchedule(
            TrainingSchedule.newBuilder()
                .setSteps(steps)
                .setBatchSize(64)
                .setLearningRate(3e-3f)
                .setWarmupSteps(Math.min(10, steps))
                .setDecaySteps(steps / 4)
                .setShuffleBufferRows(512)
                .setDeadAfterSteps(30)
                .setCheckpointSteps(20))
        .setSeed(7);
  }

  /** Waits for an operation's end. */
  public Operation await(String name) {
    Operation operation;
    do {
      operation = operations().getOperation(GetOperationRequest.newBuilder().setName(name).build());
      pause();
    } while (!operation.getDone());
    return operation;
  }

  public static void pause() {
    try {
      Thread.sleep(20);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }

  /** Collects a call's responses. */
  public static final class Call<R> implements StreamObserver<R> {
    private final List<R> responses = new ArrayList<>();
    private final CompletableFuture<List<R>> end = new CompletableFuture<>();

    @Override
    public synchronized void onNext(R response) {
      responses.add(response);
    }

    @Override
    public void onError(Throwable t) {
      end.completeExceptionally(t);
    }

    @Override
    public synchronized void onCompleted() {
      end.complete(List.copyOf(responses));
    }

    /** All responses, once the call has ended; throws what it failed with. */
    public List<R> all() {
      try {
        return end.orTimeout(60, TimeUnit.SECONDS).join();
      } catch (CompletionException e) {
        if (e.getCause() instanceof StatusRuntimeException status) {
          throw status;
        }
        throw e;
      }
    }
  }
}
