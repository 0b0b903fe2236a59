package dev.loupe.benchmarks;

import dev.loupe.inference.InferenceConfig;
import dev.loupe.inference.InferenceServer;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.KeepActivation;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunWithHooksHeader;
import dev.loupe.proto.inference.v1.RunWithHooksRequest;
import dev.loupe.proto.inference.v1.RunWithHooksResponse;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.server.Channels;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/**
 * What a pause of RunWithHooks takes beyond the model's time: a pass over one prompt of 16 tokens
 * that pauses once in every layer, less the same call with a pause in the first layer only, for
 * each of the other pauses. The client answers at once, "keep" or with the value that it got.
 */
final class HookRoundTripBenchmark implements BenchmarkCase {
  private static final String ID = "bench";
  private static final int TOKENS = 16;
  private static final int ROUNDS = 40;

  @Override
  public String name() {
    return "hooks";
  }

  @Override
  public void run(BenchmarkModel model, Report report) throws Exception {
    ModelSpec spec = new ModelSpec(ID, new ModelSource.Folder(model.folder()));
    int layers = model.config().layers();
    RunForwardPassRequest pass = pass(model.tokens(1, TOKENS));
    try (InferenceServer server = InferenceServer.start(InferenceConfig.of(List.of(spec)))) {
      ManagedChannel channel = Channels.plaintext(server.target());
      try {
        List<Timing> timings =
            Timing.byTurns(
                ROUNDS,
                () -> run(channel, header(pass, 1), HookRoundTripBenchmark::keep),
                () -> run(channel, header(pass, layers), HookRoundTripBenchmark::keep),
                () -> run(channel, header(pass, layers), HookRoundTripBenchmark::giveBack));
        report.number("hook_round_trip_ms", perPause(timings.get(1), timings.get(0), layers));
        report.number(
            "hook_round_trip_ms_median",
            1e3 * (timings.get(1).median() - timings.get(0).median()) / (layers - 1));
        report.number("hook_replacement_ms", perPause(timings.get(2), timings.get(0), layers));
        report.seconds("hooked_seconds_1x16", timings.get(1));
      } finally {
        Channels.close(channel);
      }
    }
  }

  private static double perPause(Timing all, Timing one, int layers) {
    return 1e3 * (all.minimum() - one.minimum()) / (layers - 1);
  }

  private static RunForwardPassRequest pass(TokenBatch batch) {
    TokenRow.Builder ids = TokenRow.newBuilder();
    for (long id : batch.ids()) {
      ids.addIds((int) id);
    }
    return RunForwardPassRequest.newBuilder()
        .setModel("models/" + ID)
        .addPrompts(Prompt.newBuilder().setTokens(ids))
        .setTopK(1)
        .build();
  }

  private static RunWithHooksHeader header(RunForwardPassRequest pass, int pauses) {
    RunWithHooksHeader.Builder header = RunWithHooksHeader.newBuilder().setForwardPass(pass);
    for (int layer = 0; layer < pauses; layer++) {
      header.addHookPoints("blocks." + layer + ".hook_resid_pre");
    }
    return header.build();
  }

  private static RunWithHooksRequest keep(RunWithHooksResponse pause) {
    return RunWithHooksRequest.newBuilder().setKeep(KeepActivation.getDefaultInstance()).build();
  }

  /** 16 tokens' values fit into one chunk. */
  private static RunWithHooksRequest giveBack(RunWithHooksResponse pause) {
    return RunWithHooksRequest.newBuilder()
        .setReplacement(pause.getActivation().getChunk())
        .build();
  }

  private static void run(
      Channel channel,
      RunWithHooksHeader header,
      Function<RunWithHooksResponse, RunWithHooksRequest> answer)
      throws Exception {
    Client client = new Client(answer);
    InferenceServiceGrpc.newStub(channel).runWithHooks(client);
    client.requests.onNext(RunWithHooksRequest.newBuilder().setHeader(header).build());
    client.end.get();
  }

  /** Answers every pause the same way. */
  private static final class Client
      implements ClientResponseObserver<RunWithHooksRequest, RunWithHooksResponse> {
    private final CompletableFuture<Void> end = new CompletableFuture<>();
    private final Function<RunWithHooksResponse, RunWithHooksRequest> answer;
    private ClientCallStreamObserver<RunWithHooksRequest> requests;

    Client(Function<RunWithHooksResponse, RunWithHooksRequest> answer) {
      this.answer = answer;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<RunWithHooksRequest> stream) {
      requests = stream;
    }

    @Override
    public void onNext(RunWithHooksResponse response) {
      if (response.hasActivation()) {
        requests.onNext(answer.apply(response));
      }
    }

    @Override
    public void onError(Throwable error) {
      end.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      end.complete(null);
    }
  }
}
