package dev.loupe.benchmarks;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.InferenceConfig;
import dev.loupe.inference.InferenceServer;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.server.Channels;
import io.grpc.ManagedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;

/**
 * 32 clients, each with a connection of its own and one prompt of 16 tokens, who ask at the same
 * moment for the likeliest next token: until the last has its answer, over one pass of the same
 * rows in this process.
 */
final class ConcurrentClientsBenchmark implements BenchmarkCase {
  private static final int CLIENTS = 32;
  private static final int TOKENS = 16;
  private static final int ROUNDS = 15;
  private static final String ID = "bench";

  @Override
  public String name() {
    return "concurrent";
  }

  @Override
  public void run(BenchmarkModel model, Report report) throws Exception {
    ModelSpec spec = new ModelSpec(ID, new ModelSource.Folder(model.folder()));
    TokenBatch batch = model.tokens(CLIENTS, TOKENS);
    List<ManagedChannel> channels = new ArrayList<>();
    try (InferenceServer server = InferenceServer.start(InferenceConfig.of(List.of(spec)))) {
      for (int client = 0; client < CLIENTS; client++) {
        channels.add(Channels.plaintext(server.target()));
      }
      List<RunForwardPassRequest> requests = requests(batch);
      List<Timing> timings =
          Timing.byTurns(
              ROUNDS,
              Timing.onEngine(() -> together(model, batch)),
              () -> allAtOnce(channels, requests),
              () -> oneAfterAnother(channels, requests));
      report.ratio("concurrent_over_batched", timings.get(1), timings.get(0));
      report.ratio("sequential_over_batched", timings.get(2), timings.get(0));
      report.seconds("concurrent_seconds", timings.get(1));
      report.seconds("batched_seconds_32x16", timings.get(0));
    } finally {
      channels.forEach(ManagedChannel::shutdownNow);
    }
  }

  private static List<RunForwardPassRequest> requests(TokenBatch batch) {
    List<RunForwardPassRequest> requests = new ArrayList<>();
    for (int row = 0; row < batch.rows(); row++) {
      TokenRow.Builder tokens = TokenRow.newBuilder();
      for (int i = 0; i < batch.width(); i++) {
        tokens.addIds((int) batch.ids()[row * batch.width() + i]);
      }
      requests.add(
          RunForwardPassRequest.newBuilder()
              .setModel("models/" + ID)
              .addPrompts(Prompt.newBuilder().setTokens(tokens))
              .setTopK(1)
              .build());
    }
    return requests;
  }

  private static void together(BenchmarkModel model, TokenBatch batch) {
    try (NDManager scope = model.loaded().newScope()) {
      model
          .loaded()
          .transformer()
          .forward(scope, batch, ForwardOptions.plain().with(LogitsMode.LAST));
    }
  }

  private static void allAtOnce(List<ManagedChannel> channels, List<RunForwardPassRequest> requests)
      throws Exception {
    List<Future<RunForwardPassResponse>> answers = new ArrayList<>();
    for (int client = 0; client < CLIENTS; client++) {
      answers.add(
          InferenceServiceGrpc.newFutureStub(channels.get(client))
              .runForwardPass(requests.get(client)));
    }
    for (Future<RunForwardPassResponse> answer : answers) {
      answer.get();
    }
  }

  private static void oneAfterAnother(
      List<ManagedChannel> channels, List<RunForwardPassRequest> requests) {
    for (int client = 0; client < CLIENTS; client++) {
      InferenceServiceGrpc.newBlockingStub(channels.get(client))
          .runForwardPass(requests.get(client));
    }
  }
}
