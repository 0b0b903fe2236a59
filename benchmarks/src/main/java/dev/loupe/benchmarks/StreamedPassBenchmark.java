package dev.loupe.benchmarks;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.InferenceConfig;
import dev.loupe.inference.InferenceServer;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookPoints;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.StreamActivationsHeader;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.server.Channels;
import io.grpc.ManagedChannel;
import java.util.ArrayList;
import java.util.List;

/**
 * Rows per second of StreamActivations, one residual hook point in the model's middle, over those
 * of the pass alone, which stops after the same layer and sends nothing.
 */
final class StreamedPassBenchmark implements BenchmarkCase {
  private static final String ID = "bench";
  private static final int ROWS = 8;
  private static final int POSITIONS = 128;
  private static final int BATCHES = 8;
  private static final int ROUNDS = 5;

  @Override
  public String name() {
    return "streamed-pass";
  }

  @Override
  public void run(BenchmarkModel model, Report report) throws Exception {
    String hookPoint = "blocks." + (model.config().layers() - 1) / 2 + ".hook_resid_post";
    TokenBatch batch = model.tokens(ROWS, Math.min(POSITIONS, model.config().contextLength()));
    ForwardOptions options =
        ForwardOptions.plain()
            .with(LogitsMode.NONE)
            .with(
                HookProgram.builder(model.config())
                    .capture(new HookPoints(model.config()).named(hookPoint))
                    .build());
    List<StreamActivationsRequest> requests = requests(hookPoint, batch);
    ModelSpec spec = new ModelSpec(ID, new ModelSource.Folder(model.folder()));
    try (InferenceServer server = InferenceServer.start(InferenceConfig.of(List.of(spec)))) {
      ManagedChannel channel = Channels.plaintext(server.target());
      try {
        List<Timing> timings =
            Timing.byTurns(
                ROUNDS,
                Timing.onEngine(() -> passes(model, batch, options)),
                () -> ActivationReader.read(channel, requests));
        report.ratio("stream_over_pass", timings.get(0), timings.get(1));
        report.seconds("streamed_pass_seconds", timings.get(1));
        report.seconds("unstreamed_pass_seconds", timings.get(0));
      } finally {
        Channels.close(channel);
      }
    }
  }

  private static void passes(BenchmarkModel model, TokenBatch batch, ForwardOptions options) {
    for (int i = 0; i < BATCHES; i++) {
      try (NDManager scope = model.loaded().newScope()) {
        model.loaded().transformer().forward(scope, batch, options);
      }
    }
  }

  private static List<StreamActivationsRequest> requests(String hookPoint, TokenBatch batch) {
    var rows = dev.loupe.proto.inference.v1.TokenBatch.newBuilder();
    for (int row = 0; row < batch.rows(); row++) {
      TokenRow.Builder ids = TokenRow.newBuilder();
      for (int i = 0; i < batch.width(); i++) {
        ids.addIds((int) batch.ids()[row * batch.width() + i]);
      }
      rows.addRows(ids);
    }
    List<StreamActivationsRequest> requests = new ArrayList<>();
    requests.add(
        StreamActivationsRequest.newBuilder()
            .setHeader(
                StreamActivationsHeader.newBuilder()
                    .setModel("models/" + ID)
                    .addCaptures(Capture.newBuilder().setHookPoint(hookPoint)))
            .build());
    for (int id = 0; id < BATCHES; id++) {
      requests.add(
          StreamActivationsRequest.newBuilder().setBatch(rows.setBatchId(id).build()).build());
    }
    return requests;
  }
}
