package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.AddDirection;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.CapturedActivation;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.GenerateTextResponse;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.LargestEntries;
import dev.loupe.proto.inference.v1.MeanOver;
import dev.loupe.proto.inference.v1.Norm;
import dev.loupe.proto.inference.v1.Reduction;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.inference.v1.Scale;
import dev.loupe.proto.inference.v1.SetValue;
import dev.loupe.proto.inference.v1.Zero;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.grpc.TensorMessages;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Rows that run together give what each gives alone: random lengths, edits and captures, in forward
 * passes and at every token of texts. Values may differ by what products of other shapes round, as
 * a share of each tensor's largest magnitude.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BatchedEqualsSingleTest {
  private static final double ROUNDING = 1e-4;
  private static final double HALF_ROUNDING = 1e-2;

  private TinyServer tiny;

  @BeforeAll
  void start(@TempDir Path folder) {
    tiny = new TinyServer(folder);
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  private static List<int[]> raggedRows(Random random, int longest) {
    List<int[]> rows = new ArrayList<>();
    int count = 2 + random.nextInt(4);
    for (int row = 0; row < count; row++) {
      rows.add(random.ints(1 + random.nextInt(longest), 0, 210).toArray());
    }
    return rows;
  }

  private static List<Intervention> edits(Random random) {
    AddDirection.Builder direction = AddDirection.newBuilder().setCoefficient(1);
    random.doubles(32).forEach(value -> direction.addDirection((float) value - 0.5f));
    List<Intervention> edits = new ArrayList<>();
    edits.add(at("blocks.%d.hook_resid_mid", random).setAddDirection(direction).build());
    edits.add(
        at("blocks.%d.attn.hook_z", random)
            .addHeads(random.nextInt(4))
            .setScale(Scale.newBuilder().setFactor(-1))
            .build());
    edits.add(
        at("blocks.%d.mlp.hook_post", random)
            .addPositions(0)
            .addPositions(-1)
            .addNeurons(random.nextInt(128))
            .setZero(Zero.getDefaultInstance())
            .build());
    edits.add(
        at("blocks.%d.attn.hook_pattern", random)
            .addHeads(random.nextInt(4))
            .addNeurons(0)
            .setZero(Zero.getDefaultInstance())
            .build());
    edits.add(
        at("blocks.%d.attn.hook_attn_scores", random)
            .addHeads(random.nextInt(4))
            .setScale(Scale.newBuilder().setFactor(random.nextInt(3) - 1))
            .build());
    edits.add(
        at("blocks.%d.attn.hook_pattern", random)
            .addHeads(random.nextInt(4))
            .addNeurons(1 + random.nextInt(10))
            .setSet(SetValue.newBuilder().addValues(0.5f))
            .build());
    int first = random.nextInt(edits.size());
    return edits.subList(first, first + random.nextInt(edits.size() - first + 1));
  }

  private static Intervention.Builder at(String name, Random random) {
    return Intervention.newBuilder().setHookPoint(name.formatted(random.nextInt(3)));
  }

  @RepeatedTest(12)
  void inForwardPassesAtEveryHookPoint(RepetitionInfo repetition) {
    Random random = new Random(repetition.getCurrentRepetition());
    List<int[]> rows = raggedRows(random, 12);
    RunForwardPassRequest.Builder options =
        RunForwardPassRequest.newBuilder()
            .setModel(TinyServer.MODEL)
            .setTopK(3)
            .setLoss(true)
            .addAllInterventions(edits(random))
            .addCaptures(Capture.newBuilder().setHookPoint("*"));
    RunForwardPassResponse together = pass(options, rows);
    for (int row = 0; row < rows.size(); row++) {
      RunForwardPassResponse alone = pass(options, List.of(rows.get(row)));
      assertThat(together.getRows(row).getIdsList()).isEqualTo(alone.getRows(0).getIdsList());
      assertThat(together.getRows(row).getPredictions(0).getTop(0).getId())
          .isEqualTo(alone.getRows(0).getPredictions(0).getTop(0).getId());
      for (int i = 0; i < alone.getActivationsCount(); i++) {
        CapturedActivation one = alone.getActivations(i);
        Tensor all = together.getActivations(i).getValue();
        float[] whole = Activations.floats(one.getValue());
        float[] part =
            part(
                Activations.floats(all),
                Activations.shape(all),
                Activations.shape(one.getValue()),
                row);
        assertClose("%s of row %d".formatted(one.getHookPoint(), row), part, whole, ROUNDING);
      }
    }
  }

  private RunForwardPassResponse pass(RunForwardPassRequest.Builder options, List<int[]> rows) {
    RunForwardPassRequest.Builder request = options.clone();
    rows.forEach(row -> request.addPrompts(TinyServer.prompt(row)));
    return tiny.stub().runForwardPass(request.build());
  }

  /** The corner of a row's value that has the given shape. */
  private static float[] part(float[] values, long[] shape, long[] corner, int row) {
    int count = 1;
    for (long extent : corner) {
      count *= (int) extent;
    }
    float[] part = new float[count];
    for (int i = 0; i < count; i++) {
      int left = i;
      int place = 0;
      int stride = 1;
      for (int axis = shape.length - 1; axis > 0; axis--) {
        place += left % (int) corner[axis] * stride;
        left /= (int) corner[axis];
        stride *= (int) shape[axis];
      }
      part[i] = values[place + row * stride];
    }
    return part;
  }

  private static List<Capture> captures(Random random) {
    Capture.Builder heads =
        Capture.newBuilder()
            .setHookPoint("blocks.%d.attn.hook_z".formatted(random.nextInt(3)))
            .addHeads(random.nextInt(4))
            .addHeads(random.nextInt(4))
            .setDtype(DType.DTYPE_F16);
    Capture.Builder pattern =
        Capture.newBuilder().setHookPoint("pattern*").addHeads(random.nextInt(4));
    Capture.Builder largest =
        Capture.newBuilder()
            .setHookPoint("blocks.1.mlp.hook_post")
            .addReductions(
                Reduction.newBuilder()
                    .setLargest(LargestEntries.newBuilder().setCount(1 + random.nextInt(5))));
    Capture.Builder length =
        Capture.newBuilder()
            .setHookPoint("resid_post*")
            .addReductions(Reduction.newBuilder().setMean(MeanOver.newBuilder().setAxis("pos")))
            .addReductions(Reduction.newBuilder().setNorm(Norm.getDefaultInstance()))
            .setDtype(DType.DTYPE_BF16);
    Capture.Builder inputs = Capture.newBuilder().setHookPoint("blocks.*.hook_q_input");
    return List.of(heads.build(), pattern.build(), largest.build(), length.build(), inputs.build());
  }

  @RepeatedTest(10)
  void inTextsAtEveryToken(RepetitionInfo repetition) {
    Random random = new Random(100 + repetition.getCurrentRepetition());
    List<int[]> prompts = raggedRows(random, 15);
    GenerateTextRequest.Builder options =
        GenerateTextRequest.newBuilder()
            .setModel(TinyServer.MODEL)
            .setMaxNewTokens(1 + random.nextInt(10))
            .setTemperature(random.nextInt(2))
            .setTopK(random.nextInt(2) * 30)
            .setTopP(random.nextInt(2) * 0.9f)
            .setFrequencyPenalty(random.nextInt(2) * 0.5f)
            .setSeed(random.nextLong())
            .addStopTokens(random.nextInt(210))
            .setTopLogProbabilities(3)
            .addAllInterventions(edits(random))
            .addAllCaptures(captures(random));
    List<List<GenerateTextResponse>> together = generate(options, prompts);
    for (int prompt = 0; prompt < prompts.size(); prompt++) {
      List<GenerateTextResponse> alone = generate(options, List.of(prompts.get(prompt))).get(0);
      List<GenerateTextResponse> mine = together.get(prompt);
      assertThat(mine)
          .extracting(GenerateTextResponse::getId)
          .isEqualTo(alone.stream().map(GenerateTextResponse::getId).toList());
      assertThat(mine)
          .extracting(GenerateTextResponse::getText)
          .isEqualTo(alone.stream().map(GenerateTextResponse::getText).toList());
      for (int step = 0; step < alone.size(); step++) {
        assertSame(
            "prompt %d, step %d".formatted(prompt, step), mine.get(step), alone.get(step), step);
      }
    }
  }

  private List<List<GenerateTextResponse>> generate(
      GenerateTextRequest.Builder options, List<int[]> prompts) {
    GenerateTextRequest.Builder request = options.clone();
    List<List<GenerateTextResponse>> texts = new ArrayList<>();
    for (int[] prompt : prompts) {
      request.addPrompts(TinyServer.prompt(prompt));
      texts.add(new ArrayList<>());
    }
    tiny.stub()
        .generateText(request.build())
        .forEachRemaining(step -> texts.get(step.getPrompt()).add(step));
    return texts;
  }

  private static void assertSame(
      String what, GenerateTextResponse step, GenerateTextResponse expected, int index) {
    assertThat(step.getFinishReason()).as(what).isEqualTo(expected.getFinishReason());
    assertThat(step.getActivationsCount()).isEqualTo(1 + 3 + 1 + 3 + 3);
    for (int i = 0; i < step.getActivationsCount(); i++) {
      CapturedActivation activation = step.getActivations(i);
      Tensor value = activation.getValue();
      Tensor other = expected.getActivations(i).getValue();
      String place = what + ", " + activation.getHookPoint();
      assertThat(value.getLayout()).as(place).isEqualTo(other.getLayout());
      assertThat(activation.hasIndices()).isEqualTo(activation.getCapture() == 2);
      if (index > 0 && activation.getCapture() != 1) {
        assertThat(Activations.axes(value).getOrDefault("pos", 1L)).as(place).isEqualTo(1);
      }
      boolean narrow = value.getLayout().getDtype() != DType.DTYPE_F32;
      assertClose(place, wide(value), wide(other), narrow ? HALF_ROUNDING : ROUNDING);
    }
  }

  private static float[] wide(Tensor message) {
    LabelledTensor tensor = TensorMessages.fromMessage(message, 1 << 20);
    return tensor.tensor().toFloats();
  }

  private static void assertClose(String what, float[] actual, float[] expected, double share) {
    assertThat(actual).as(what).hasSameSizeAs(expected);
    double largest = 1e-3;
    for (float value : expected) {
      largest = Float.isFinite(value) ? Math.max(largest, Math.abs(value)) : largest;
    }
    for (int i = 0; i < actual.length; i++) {
      boolean same =
          Float.compare(actual[i], expected[i]) == 0
              || Math.abs(actual[i] - expected[i]) <= share * largest;
      if (!same) {
        assertThat(actual[i]).as("%s at %d", what, i).isEqualTo(expected[i]);
      }
    }
  }
}
