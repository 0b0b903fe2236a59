package dev.loupe.benchmarks;

import dev.loupe.inference.InferenceConfig;
import dev.loupe.inference.InferenceServer;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.proto.inference.v1.FinishReason;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.GenerateTextResponse;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.server.Channels;
import dev.loupe.tensor.TensorEngine;
import io.grpc.ManagedChannel;
import java.util.Iterator;
import java.util.List;

/**
 * Tokens of a text as a client of the service gets them, sampling and sending included, over the
 * matrix-vector products of one token. The prompt's own pass is not counted: time runs from the
 * first new token to the last.
 */
final class DecodeBenchmark implements BenchmarkCase {
  private static final int PROMPT = 16;
  private static final int TOKENS = 33;
  private static final int TOGETHER = 8;
  private static final int ROUNDS = 9;

  /** A token is so short that what the JVM has not compiled yet shows. */
  private static final int WARM_UP = 3;

  private static final String ID = "bench";

  @Override
  public String name() {
    return "decode";
  }

  @Override
  public void run(BenchmarkModel model, Report report) throws Exception {
    ModelSpec spec = new ModelSpec(ID, new ModelSource.Folder(model.folder()));
    ManagedChannel channel = null;
    try (InferenceServer server = InferenceServer.start(InferenceConfig.of(List.of(spec)));
        MatrixProducts bound = bound(model)) {
      channel = Channels.plaintext(server.target());
      InferenceServiceGrpc.InferenceServiceBlockingStub stub =
          InferenceServiceGrpc.newBlockingStub(channel);
      GenerateTextRequest one = request(model.tokens(1, PROMPT));
      GenerateTextRequest eight = request(model.tokens(TOGETHER, PROMPT));
      double[] products = new double[ROUNDS];
      double[] single = new double[ROUNDS];
      double[] together = new double[ROUNDS];
      for (int round = -WARM_UP; round < ROUNDS; round++) {
        double ofProducts = TensorEngine.threads().run(() -> products(bound));
        double ofOne = secondsPerToken(stub, one);
        double ofEight = secondsPerToken(stub, eight);
        if (round >= 0) {
          products[round] = ofProducts;
          single[round] = ofOne;
          together[round] = ofEight;
        }
      }
      report.ratio("decode_over_bound", Timing.of(single), Timing.of(products));
      report.ratio("decode_8_over_1", Timing.of(together), Timing.of(single));
      report.seconds("decode_seconds_per_token", Timing.of(single));
      report.seconds("decode_8_seconds_per_step", Timing.of(together));
      report.seconds("decode_bound_seconds", Timing.of(products));
    } finally {
      if (channel != null) {
        channel.shutdownNow();
      }
    }
  }

  private static MatrixProducts bound(BenchmarkModel model) {
    return TensorEngine.threads()
        .run(() -> new MatrixProducts(model.config(), 1, 1, PROMPT + TOKENS / 2, 1));
  }

  private static double products(MatrixProducts bound) {
    long start = System.nanoTime();
    for (int token = 1; token < TOKENS; token++) {
      bound.run();
    }
    return (System.nanoTime() - start) * 1e-9 / (TOKENS - 1);
  }

  private static GenerateTextRequest request(TokenBatch prompts) {
    GenerateTextRequest.Builder request =
        GenerateTextRequest.newBuilder()
            .setModel("models/" + ID)
            .setMaxNewTokens(TOKENS)
            .setTemperature(1)
            .setSeed(1);
    for (int row = 0; row < prompts.rows(); row++) {
      TokenRow.Builder tokens = TokenRow.newBuilder();
      for (int i = 0; i < prompts.width(); i++) {
        tokens.addIds((int) prompts.ids()[row * prompts.width() + i]);
      }
      request.addPrompts(Prompt.newBuilder().setTokens(tokens));
    }
    return request.build();
  }

  /** Seconds between one step's last message and the next one's. */
  private static double secondsPerToken(
      InferenceServiceGrpc.InferenceServiceBlockingStub stub, GenerateTextRequest request) {
    Iterator<GenerateTextResponse> steps = stub.generateText(request);
    int last = request.getPromptsCount() - 1;
    long first = 0;
    int count = 0;
    while (steps.hasNext()) {
      GenerateTextResponse step = steps.next();
      if (step.getFinishReason() == FinishReason.FINISH_REASON_STOP_TOKEN) {
        throw new IllegalStateException("a text ended before its length; choose another seed");
      }
      if (step.getPrompt() == last && ++count == 1) {
        first = System.nanoTime();
      }
    }
    return (System.nanoTime() - first) * 1e-9 / (count - 1);
  }
}
