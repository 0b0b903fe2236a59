package dev.loupe.benchmarks;

import com.google.protobuf.ByteString;
import dev.loupe.proto.inference.v1.AttributeLogitsRequest;
import dev.loupe.proto.inference.v1.AttributionServiceGrpc;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.ComputeLogitLensRequest;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.GenerateTextResponse;
import dev.loupe.proto.inference.v1.HeadPattern;
import dev.loupe.proto.inference.v1.HeadServiceGrpc;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.ListHookPointsRequest;
import dev.loupe.proto.inference.v1.LogitDifferenceMetric;
import dev.loupe.proto.inference.v1.Metric;
import dev.loupe.proto.inference.v1.NeuronServiceGrpc;
import dev.loupe.proto.inference.v1.PatchSpread;
import dev.loupe.proto.inference.v1.PatchedActivation;
import dev.loupe.proto.inference.v1.PatchingServiceGrpc;
import dev.loupe.proto.inference.v1.ProjectToVocabularyRequest;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.RandomRepeats;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.Scale;
import dev.loupe.proto.inference.v1.ScoreHeadsRequest;
import dev.loupe.proto.inference.v1.SweepPatchesRequest;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.proto.inference.v1.TokenizeRequest;
import dev.loupe.proto.inference.v1.Zero;
import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.proto.tensor.v1.TensorLayout;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.Status;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** The kinds of requests that a soak sends, each with the codes in which it may end. */
final class SoakMix {
  /** One kind of request. */
  interface Kind {
    /** Sends one and reads its whole answer. */
    void send(Random random) throws Exception;
  }

  /**
   * A kind and what may come of it.
   *
   * @param kind sends it
   * @param codes in which it may end
   */
  record Entry(Kind kind, Set<Status.Code> codes) {}

  private static final Set<Status.Code> WELL = Set.of(Status.Code.OK);
  private static final Set<Status.Code> LATE =
      Set.of(Status.Code.OK, Status.Code.DEADLINE_EXCEEDED);
  private static final Set<Status.Code> CUT_OFF = Set.of(Status.Code.OK, Status.Code.CANCELLED);
  private static final Set<Status.Code> REFUSED = Set.of(Status.Code.INVALID_ARGUMENT);

  private final String model;
  private final int vocabulary;
  private final int context;
  private final int layers;
  private final int width;
  private final InferenceServiceGrpc.InferenceServiceBlockingStub inference;
  private final AttributionServiceGrpc.AttributionServiceBlockingStub attribution;
  private final HeadServiceGrpc.HeadServiceBlockingStub heads;
  private final NeuronServiceGrpc.NeuronServiceBlockingStub neurons;
  private final PatchingServiceGrpc.PatchingServiceBlockingStub patching;
  private final SoakStreams streams;

  SoakMix(Channel channel, String model, BenchmarkModel shape) {
    this.model = model;
    this.vocabulary = shape.config().vocabularySize();
    this.context = shape.config().contextLength();
    this.layers = shape.config().layers();
    this.width = shape.config().dModel();
    this.inference = InferenceServiceGrpc.newBlockingStub(channel);
    this.attribution = AttributionServiceGrpc.newBlockingStub(channel);
    this.heads = HeadServiceGrpc.newBlockingStub(channel);
    this.neurons = NeuronServiceGrpc.newBlockingStub(channel);
    this.patching = PatchingServiceGrpc.newBlockingStub(channel);
    this.streams = new SoakStreams(InferenceServiceGrpc.newStub(channel), model);
  }

  /** All kinds by name. */
  Map<String, Entry> kinds() {
    Map<String, Entry> kinds = new LinkedHashMap<>();
    kinds.put("forward pass", new Entry(random -> inference.runForwardPass(pass(random)), WELL));
    kinds.put("forward pass, edits", new Entry(this::edited, WELL));
    kinds.put("forward pass, bad", new Entry(this::badPass, REFUSED));
    kinds.put("forward pass, deadline", new Entry(this::latePass, LATE));
    kinds.put("activations", new Entry(r -> streams.activations(rows(r, 3), false), WELL));
    kinds.put(
        "activations, cancelled", new Entry(r -> streams.activations(rows(r, 9), true), CUT_OFF));
    kinds.put("hooks", new Entry(r -> streams.hooks(pass(r), hook(r), false), WELL));
    kinds.put("hooks, cancelled", new Entry(r -> streams.hooks(pass(r), hook(r), true), CUT_OFF));
    kinds.put("generation", new Entry(random -> generate(random, Integer.MAX_VALUE), WELL));
    kinds.put("generation, cancelled", new Entry(random -> generate(random, 2), CUT_OFF));
    kinds.put("logit lens", new Entry(this::lens, WELL));
    kinds.put("attribution", new Entry(this::attribute, WELL));
    kinds.put("patching sweep", new Entry(this::sweep, WELL));
    kinds.put("head scores", new Entry(this::scoreHeads, WELL));
    kinds.put("projection", new Entry(this::project, WELL));
    kinds.put("tokens", new Entry(this::tokenize, WELL));
    kinds.put("hook points", new Entry(this::listHookPoints, WELL));
    return kinds;
  }

  private TokenRow row(Random random) {
    TokenRow.Builder row = TokenRow.newBuilder();
    random.ints(1 + random.nextInt(context / 2), 0, vocabulary).forEach(row::addIds);
    return row.build();
  }

  private TokenRow[] rows(Random random, int count) {
    TokenRow[] rows = new TokenRow[count];
    for (int i = 0; i < count; i++) {
      rows[i] = row(random);
    }
    return rows;
  }

  private Prompt prompt(Random random) {
    return Prompt.newBuilder().setTokens(row(random)).build();
  }

  private String hook(Random random) {
    String[] names = {"hook_resid_pre", "attn.hook_pattern", "attn.hook_z", "hook_mlp_out"};
    return "blocks." + random.nextInt(layers) + "." + names[random.nextInt(names.length)];
  }

  private RunForwardPassRequest pass(Random random) {
    RunForwardPassRequest.Builder request = RunForwardPassRequest.newBuilder().setModel(model);
    for (int i = 0; i < 1 + random.nextInt(3); i++) {
      request.addPrompts(prompt(random));
    }
    return request
        .setTopK(random.nextInt(4))
        .setLoss(random.nextBoolean())
        .addCaptures(Capture.newBuilder().setHookPoint(hook(random)))
        .build();
  }

  private void edited(Random random) {
    Intervention.Builder edit = Intervention.newBuilder().setHookPoint(hook(random));
    if (random.nextBoolean()) {
      edit.setZero(Zero.getDefaultInstance()).addPositions(-1);
    } else {
      edit.setScale(Scale.newBuilder().setFactor(0.5f));
    }
    inference.runForwardPass(pass(random).toBuilder().addInterventions(edit).build());
  }

  private void badPass(Random random) {
    RunForwardPassRequest.Builder request = pass(random).toBuilder();
    switch (random.nextInt(4)) {
      case 0 -> request.addCaptures(Capture.newBuilder().setHookPoint("blocks.99.hook_z"));
      case 1 -> request.addPrompts(Prompt.getDefaultInstance());
      case 2 -> request.addPredictionPositions(context);
      default ->
          request.addInterventions(
              Intervention.newBuilder()
                  .setHookPoint(hook(random))
                  .setZero(Zero.getDefaultInstance())
                  .addPositions(context));
    }
    inference.runForwardPass(request.build());
  }

  private void latePass(Random random) {
    inference
        .withDeadlineAfter(500 + random.nextInt(20_000), TimeUnit.MICROSECONDS)
        .runForwardPass(pass(random));
  }

  private void generate(Random random, int most) throws Exception {
    GenerateTextRequest request =
        GenerateTextRequest.newBuilder()
            .setModel(model)
            .addPrompts(prompt(random))
            .setMaxNewTokens(8)
            .setTemperature(1)
            .setSeed(random.nextLong())
            .build();
    try (Context.CancellableContext cut = Context.current().withCancellation()) {
      cut.call(
          () -> {
            Iterator<GenerateTextResponse> tokens = inference.generateText(request);
            for (int read = 0; tokens.hasNext(); read++) {
              tokens.next();
              if (read == most) {
                cut.cancel(null);
              }
            }
            return null;
          });
    }
  }

  private void lens(Random random) {
    attribution.computeLogitLens(
        ComputeLogitLensRequest.newBuilder().setModel(model).setPrompt(prompt(random)).build());
  }

  private void attribute(Random random) {
    attribution.attributeLogits(
        AttributeLogitsRequest.newBuilder()
            .setModel(model)
            .setPrompt(prompt(random))
            .setPosition(-1)
            .setToken(random.nextInt(vocabulary))
            .build());
  }

  private Metric metric(Random random) {
    int token = random.nextInt(vocabulary);
    return Metric.newBuilder()
        .setLogitDifference(
            LogitDifferenceMetric.newBuilder()
                .setPosition(-1)
                .setToken(token)
                .setIncorrectToken((token + 1) % vocabulary))
        .build();
  }

  private void sweep(Random random) {
    TokenRow clean = row(random);
    Prompt corrupt =
        Prompt.newBuilder()
            .setTokens(clean.toBuilder().setIds(0, random.nextInt(vocabulary)))
            .build();
    patching
        .sweepPatches(
            SweepPatchesRequest.newBuilder()
                .setModel(model)
                .setClean(Prompt.newBuilder().setTokens(clean))
                .setCorrupt(corrupt)
                .setMetric(metric(random))
                .setActivation(PatchedActivation.PATCHED_ACTIVATION_HEAD_Z)
                .setSpread(PatchSpread.PATCH_SPREAD_BY_POSITION)
                .build())
        .forEachRemaining(cells -> {});
  }

  private void scoreHeads(Random random) {
    ScoreHeadsRequest.Builder request = ScoreHeadsRequest.newBuilder().setModel(model);
    if (random.nextBoolean()) {
      request.setPattern(HeadPattern.HEAD_PATTERN_INDUCTION).addPrompts(prompt(random));
    } else {
      request
          .setPattern(HeadPattern.HEAD_PATTERN_REPEATED_RANDOM)
          .setRandomRepeats(
              RandomRepeats.newBuilder().setLength(5).setSequences(3).setSeed(random.nextLong()));
    }
    heads.scoreHeads(request.build());
  }

  private void project(Random random) {
    byte[] direction = new byte[4 * width];
    direction[4 * random.nextInt(width) + 3] = 0x3F; // a small positive number
    neurons.projectToVocabulary(
        ProjectToVocabularyRequest.newBuilder()
            .setModel(model)
            .setTopK(3)
            .setDirections(
                Tensor.newBuilder()
                    .setLayout(
                        TensorLayout.newBuilder()
                            .setDtype(DType.DTYPE_F32)
                            .addAxes(Axis.newBuilder().setName("row").setSize(1))
                            .addAxes(Axis.newBuilder().setName("d_model").setSize(width)))
                    .setData(ByteString.copyFrom(direction)))
            .build());
  }

  private void tokenize(Random random) {
    inference.tokenize(
        TokenizeRequest.newBuilder()
            .setModel(model)
            .addTexts("number " + random.nextInt())
            .build());
  }

  private void listHookPoints(Random random) {
    inference.listHookPoints(ListHookPointsRequest.newBuilder().setModel(model).build());
  }
}
