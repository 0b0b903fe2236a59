package dev.loupe.inference.model;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.hooks.Edit;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.Intervention;
import dev.loupe.inference.model.hooks.Selection;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.NdArrays;
import dev.loupe.tensor.SafetensorsWriter;
import dev.loupe.testkit.golden.GoldenAssert;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Models of many shapes against a slow, obvious implementation in double. Float32 results are held
 * to 1e-4 of the largest logit.
 */
class SlowOracleTest {
  private static final int[] TOKENS = {3, 1, 4, 1, 5, 9, 2};

  @TempDir Path folder;
  private final Random random = new Random(17);

  private static GptConfig shape(Activation activation) {
    return new GptConfig(2, 3, 12, 20, 9, 13, 1e-5, activation, true, true, false, -1, -1);
  }

  private Map<String, double[]> writeModel(GptConfig config) throws IOException {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    int d = config.dModel();
    add(tensors, "wte.weight", 1, config.vocabularySize(), d);
    add(tensors, "wpe.weight", 1, config.contextLength(), d);
    for (int layer = 0; layer < config.layers(); layer++) {
      String block = "h." + layer + ".";
      for (String norm : List.of("ln_1", "ln_2")) {
        add(tensors, block + norm + ".weight", 1, d);
        add(tensors, block + norm + ".bias", 1, d);
      }
      add(tensors, block + "attn.c_attn.weight", 0.4, d, 3 * d);
      add(tensors, block + "attn.c_attn.bias", 0.4, 3 * d);
      add(tensors, block + "attn.c_proj.weight", 0.4, d, d);
      add(tensors, block + "attn.c_proj.bias", 0.4, d);
      add(tensors, block + "mlp.c_fc.weight", 0.4, d, config.dMlp());
      add(tensors, block + "mlp.c_fc.bias", 0.4, config.dMlp());
      add(tensors, block + "mlp.c_proj.weight", 0.4, config.dMlp(), d);
      add(tensors, block + "mlp.c_proj.bias", 0.4, d);
    }
    add(tensors, "ln_f.weight", 1, d);
    add(tensors, "ln_f.bias", 1, d);
    if (!config.tiedEmbeddings()) {
      add(tensors, "lm_head.weight", 1, config.vocabularySize(), d);
    }
    SafetensorsWriter.write(folder.resolve("model.safetensors"), tensors, Map.of());
    Files.writeString(folder.resolve("config.json"), config.toJson());
    Map<String, double[]> wide = new HashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          float[] values = tensor.toFloats();
          double[] copy = new double[values.length];
          for (int i = 0; i < copy.length; i++) {
            copy[i] = values[i];
          }
          wide.put(name, copy);
        });
    return wide;
  }

  private void add(Map<String, HostTensor> tensors, String name, double std, long... shape) {
    float[] values = new float[(int) HostTensor.elements(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() * std);
    }
    tensors.put(name, HostTensor.ofFloats(values, shape));
  }

  private void compare(SlowTransformer slow, HookProgram program) throws IOException {
    try (LoadedModel model = ModelLoader.load(folder);
        NDManager scope = model.newScope()) {
      float[] actual =
          NdArrays.floats(
              model
                  .transformer()
                  .forward(scope, TokenBatch.of(TOKENS), ForwardOptions.plain().with(program))
                  .requireLogits());
      GoldenAssert.assertClose("logits", actual, slow.logits(TOKENS), 1e-4);
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void everyActivation(Activation activation) throws IOException {
    GptConfig config = shape(activation);
    compare(new SlowTransformer(config, writeModel(config)), HookProgram.none());
  }

  @Test
  void everySwitchOfTheFamily() throws IOException {
    for (int bits = 0; bits < 8; bits++) {
      GptConfig config =
          new GptConfig(
              2,
              bits % 2 == 0 ? 2 : 6,
              12,
              7,
              9,
              13,
              1e-3,
              Activation.GELU_TANH,
              (bits & 1) != 0,
              (bits & 2) != 0,
              (bits & 4) != 0,
              -1,
              -1);
      compare(new SlowTransformer(config, writeModel(config)), HookProgram.none());
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = HookKind.class,
      names = {
        "ATTN_IN", "Q_INPUT", "K_INPUT", "V_INPUT", "RESULT", "MLP_IN", "Z", "LN1_OUT", "LN2_OUT",
        "LN1_IN", "Q_IN", "K_IN", "V_IN"
      })
  void editsOfWhatTheGoldenDataDoesNotHave(HookKind kind) throws IOException {
    GptConfig config = shape(Activation.GELU_TANH);
    SlowTransformer slow = new SlowTransformer(config, writeModel(config));
    HookPoint point = HookPoint.of(kind, 1);
    // Along d_model; z's heads, side by side, are as wide.
    float[] direction = {0.5f, -1, 2, 0, 0, 0.25f, 3, 0, 0, 1, 0, -2};
    slow.edit(point, plus(direction));
    compare(
        slow,
        HookProgram.builder(config)
            .intervene(new Intervention(point, Selection.ALL, new Edit.AddDirection(direction, 1)))
            .build());
  }

  @Test
  void editsOfHeadInputsComeOneAfterAnother() throws IOException {
    GptConfig config = shape(Activation.GELU_TANH);
    SlowTransformer slow = new SlowTransformer(config, writeModel(config));
    HookPoint attnIn = HookPoint.of(HookKind.ATTN_IN, 0);
    HookPoint kInput = HookPoint.of(HookKind.K_INPUT, 0);
    float[] direction = {1, -1, 2, 0, 0, 0, 3, 0, 0, 1, 0, -2};
    slow.edit(
        attnIn,
        value -> {
          double[] edited = value.clone();
          for (int p = 0; p < TOKENS.length; p++) {
            for (int i = 0; i < 12; i++) {
              edited[(p * 3 + 1) * 12 + i] += 2 * direction[i]; // head 1
            }
          }
          return edited;
        });
    slow.edit(
        kInput,
        value -> {
          double[] edited = value.clone();
          for (int i = 0; i < 36; i++) {
            edited[2 * 36 + i] = 0.5; // position 2
          }
          return edited;
        });
    compare(
        slow,
        HookProgram.builder(config)
            .intervene(
                new Intervention(attnIn, Selection.ofHeads(1), new Edit.AddDirection(direction, 2)))
            .intervene(
                new Intervention(
                    kInput, Selection.ofPositions(2), new Edit.SetValue(new float[] {0.5f})))
            .build());
  }

  private static UnaryOperator<double[]> plus(float[] direction) {
    return value -> {
      double[] moved = value.clone();
      for (int i = 0; i < moved.length; i++) {
        moved[i] += direction[i % direction.length];
      }
      return moved;
    };
  }
}
