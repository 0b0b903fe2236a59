package dev.loupe.benchmarks;

import com.google.protobuf.ByteString;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.DotProducts;
import dev.loupe.proto.inference.v1.KlDivergenceMetric;
import dev.loupe.proto.inference.v1.LargestEntries;
import dev.loupe.proto.inference.v1.LogitDifferenceMetric;
import dev.loupe.proto.inference.v1.LossMetric;
import dev.loupe.proto.inference.v1.MeanOver;
import dev.loupe.proto.inference.v1.Metric;
import dev.loupe.proto.inference.v1.Norm;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.Reduction;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.TokenLogitMetric;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.proto.tensor.v1.TensorLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;

/** What the requests of a soak are made of: prompts, hook points, vectors, drawn at random. */
final class SoakRequests {
  /** Hook points whose last axis is the residual stream's. */
  private static final List<String> RESIDUAL =
      List.of("hook_resid_pre", "hook_resid_mid", "hook_attn_out", "hook_mlp_out", "mlp.hook_in");

  private static final List<String> OTHER =
      List.of(
          "attn.hook_q",
          "attn.hook_z",
          "attn.hook_pattern",
          "attn.hook_attn_scores",
          "attn.hook_result",
          "hook_q_input",
          "hook_attn_in",
          "mlp.hook_post",
          "ln1.hook_scale");

  private final String model;
  private final GptConfig config;

  SoakRequests(String model, GptConfig config) {
    this.model = model;
    this.config = config;
  }

  String model() {
    return model;
  }

  GptConfig config() {
    return config;
  }

  int token(Random random) {
    return random.nextInt(config.vocabularySize());
  }

  int layer(Random random) {
    return random.nextInt(config.layers());
  }

  /** A row of this many tokens. */
  TokenRow row(Random random, int length) {
    TokenRow.Builder row = TokenRow.newBuilder();
    random.ints(length, 0, config.vocabularySize()).forEach(row::addIds);
    return row.build();
  }

  /** A row of 2 tokens or more, up to half of the context. */
  TokenRow row(Random random) {
    return row(random, 2 + random.nextInt(config.contextLength() / 2 - 1));
  }

  Prompt prompt(Random random) {
    return Prompt.newBuilder().setTokens(row(random)).build();
  }

  static Prompt prompt(TokenRow row) {
    return Prompt.newBuilder().setTokens(row).build();
  }

  /** The row with another first token: what a clean prompt's corrupt one may be. */
  Prompt corrupt(Random random, TokenRow clean) {
    return prompt(clean.toBuilder().setIds(0, token(random)).build());
  }

  /** A hook point whose last axis is the residual stream's. */
  String residual(Random random) {
    return "blocks." + layer(random) + "." + RESIDUAL.get(random.nextInt(RESIDUAL.size()));
  }

  /** Any hook point of a block. */
  String hook(Random random) {
    return random.nextBoolean()
        ? residual(random)
        : "blocks." + layer(random) + "." + OTHER.get(random.nextInt(OTHER.size()));
  }

  /** A pass over one to three prompts with one capture. */
  RunForwardPassRequest.Builder pass(Random random) {
    RunForwardPassRequest.Builder request = RunForwardPassRequest.newBuilder().setModel(model);
    for (int i = 0; i < 1 + random.nextInt(3); i++) {
      request.addPrompts(prompt(random));
    }
    return request
        .setTopK(random.nextInt(4))
        .setLoss(random.nextBoolean())
        .addCaptures(Capture.newBuilder().setHookPoint(hook(random)));
  }

  /** A capture that the server reduces, or that travels in 16 bits. */
  Capture reduced(Random random) {
    Capture.Builder capture = Capture.newBuilder().setHookPoint(residual(random));
    switch (random.nextInt(6)) {
      case 0 ->
          capture
              .addPositions(-1)
              .addReductions(
                  Reduction.newBuilder().setMean(MeanOver.newBuilder().setAxis("batch")));
      case 1 ->
          capture.addReductions(
              Reduction.newBuilder().setMean(MeanOver.newBuilder().setAxis("pos")));
      case 2 -> capture.addReductions(Reduction.newBuilder().setNorm(Norm.getDefaultInstance()));
      case 3 ->
          capture.addReductions(
              Reduction.newBuilder().setLargest(LargestEntries.newBuilder().setCount(3)));
      case 4 ->
          capture.addReductions(
              Reduction.newBuilder()
                  .setDot(DotProducts.newBuilder().setVectors(vectors(random, "vector", 2))));
      default ->
          capture
              .setHookPoint("blocks.*.attn.hook_z")
              .addHeads(random.nextInt(config.heads()))
              .setDtype(random.nextBoolean() ? DType.DTYPE_BF16 : DType.DTYPE_F16);
    }
    return capture.build();
  }

  /** Values as wide as the residual stream. */
  List<Float> direction(Random random) {
    return random.doubles(config.dModel(), -1, 1).mapToObj(x -> (float) x).toList();
  }

  /** Vectors of the residual stream, [count, d_model]. */
  Tensor vectors(Random random, String axis, int count) {
    ByteBuffer data =
        ByteBuffer.allocate(Float.BYTES * count * config.dModel()).order(ByteOrder.LITTLE_ENDIAN);
    while (data.hasRemaining()) {
      data.putFloat((float) random.nextGaussian());
    }
    return Tensor.newBuilder()
        .setLayout(
            TensorLayout.newBuilder()
                .setDtype(DType.DTYPE_F32)
                .addAxes(Axis.newBuilder().setName(axis).setSize(count))
                .addAxes(Axis.newBuilder().setName("d_model").setSize(config.dModel())))
        .setData(ByteString.copyFrom(data.flip()))
        .build();
  }

  /** Any metric. */
  Metric metric(Random random) {
    TokenLogitMetric token =
        TokenLogitMetric.newBuilder().setPosition(-1).setToken(token(random)).build();
    Metric.Builder metric = Metric.newBuilder();
    switch (random.nextInt(5)) {
      case 0 -> metric.setLogit(token);
      case 1 -> metric.setLogProbability(token);
      case 2 -> metric.setLoss(LossMetric.getDefaultInstance());
      case 3 ->
          metric.setKlDivergence(
              KlDivergenceMetric.newBuilder().setPosition(-1).setReference(prompt(random)));
      default ->
          metric.setLogitDifference(
              LogitDifferenceMetric.newBuilder()
                  .setPosition(-1)
                  .setToken(token.getToken())
                  .setIncorrectToken((token.getToken() + 1) % config.vocabularySize()));
    }
    return metric.build();
  }
}
