package dev.loupe.inference.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.testkit.golden.Golden;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GptConfigReaderTest {

  @Test
  void readsTheGoldenConfig() {
    String json = new String(Golden.bytes("gpt2-tiny/config.json"), StandardCharsets.UTF_8);
    assertThat(GptConfigReader.parse(json)).isEqualTo(GptConfig.gpt2(3, 4, 32, 48, 211, 210));
  }

  @Test
  void whatIsLeftOutIsGpt2Small() {
    GptConfig config = GptConfigReader.parse("{\"model_type\": \"gpt2\"}");
    assertThat(config.layers()).isEqualTo(12);
    assertThat(config.dModel()).isEqualTo(768);
    assertThat(config.dMlp()).isEqualTo(3072);
    assertThat(config.contextLength()).isEqualTo(1024);
    assertThat(config.vocabularySize()).isEqualTo(50257);
    assertThat(config.bosToken()).isEqualTo(-1);
    assertThat(config.parameters()).isEqualTo(124_439_808);
  }

  @Test
  void everySwitchIsRead() {
    GptConfig config =
        GptConfigReader.parse(
            """
            {"model_type": "gpt2", "n_layer": 2, "n_head": 3, "n_embd": 12, "n_inner": 20,
             "n_positions": 9, "vocab_size": 7, "layer_norm_epsilon": 1e-6,
             "activation_function": "relu", "tie_word_embeddings": false,
             "scale_attn_weights": false, "scale_attn_by_inverse_layer_idx": true,
             "reorder_and_upcast_attn": true, "bos_token_id": 1, "eos_token_id": [2, 3]}
            """);
    assertThat(config)
        .isEqualTo(
            new GptConfig(
                2, 3, 12, 20, 9, 7, 1e-6, Activation.RELU, false, false, true, true, 1, 2));
    assertThat(config.scoreScale(1)).isEqualTo(0.5);
    assertThat(GptConfigReader.parse(config.toJson())).isEqualTo(config);
  }

  @ParameterizedTest
  @CsvSource({
    "gelu, GELU_EXACT",
    "gelu_python, GELU_EXACT",
    "gelu_new, GELU_TANH",
    "gelu_fast, GELU_TANH",
    "gelu_accurate, GELU_TANH",
    "gelu_pytorch_tanh, GELU_TANH",
    "gelu_python_tanh, GELU_TANH",
    "quick_gelu, GELU_QUICK",
    "relu, RELU",
    "silu, SILU",
    "swish, SILU",
    "tanh, TANH"
  })
  void everyActivationHasItsNames(String name, Activation expected) {
    String json = "{\"model_type\": \"gpt2\", \"activation_function\": \"%s\"}";
    assertThat(GptConfigReader.parse(json.formatted(name)).activation()).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gelu_10",
        "hardswish",
        "laplace",
        "leaky_relu",
        "linear",
        "mish",
        "prelu",
        "relu2",
        "relu6",
        "sigmoid",
        "sqrtsoftplus",
        "xielu",
        ""
      })
  void otherActivationsAreRefusedByName(String name) {
    String json = "{\"model_type\": \"gpt2\", \"activation_function\": \"%s\"}";
    assertThatThrownBy(() -> GptConfigReader.parse(json.formatted(name)))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("activation_function is '" + name + "'; expected one of")
        .hasMessageContaining("gelu_new");
  }

  @Test
  void theNamesOfOtherFamiliesForTheSameNumbersAreRead() {
    GptConfig config =
        GptConfigReader.parse(
            """
            {"model_type": "gpt2", "num_hidden_layers": 2, "num_attention_heads": 3,
             "hidden_size": 12, "max_position_embeddings": 9, "n_ctx": 5, "n_inner": null,
             "pruned_heads": {}, "attn_pdrop": 0.1, "summary_type": "cls_index"}
            """);
    assertThat(config.layers()).isEqualTo(2);
    assertThat(config.heads()).isEqualTo(3);
    assertThat(config.dMlp()).isEqualTo(48);
    assertThat(config.contextLength()).isEqualTo(9);
    assertThat(GptConfigReader.parse("{\"model_type\": \"gpt2\", \"n_ctx\": 64}").contextLength())
        .isEqualTo(64);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "{\"model_type\": \"llama\"} | model_type is 'llama'; expected 'gpt2'",
        "{} | model_type is ''",
        "[] | not a JSON object",
        "{ | not JSON",
        "{\"model_type\": \"gpt2\", \"activation_function\": \"mish\"} | activation_function is 'mish'",
        "{\"model_type\": \"gpt2\", \"n_layer\": 0} | n_layer is 0",
        "{\"model_type\": \"gpt2\", \"n_layer\": 2.5} | n_layer is 2.5",
        "{\"model_type\": \"gpt2\", \"n_embd\": 30, \"n_head\": 4} | n_embd is 30",
        "{\"model_type\": \"gpt2\", \"tie_word_embeddings\": 1} | tie_word_embeddings is 1",
        "{\"model_type\": \"gpt2\", \"layer_norm_epsilon\": 0} | layer_norm_epsilon is 0",
        "{\"model_type\": \"gpt2\", \"add_cross_attention\": true} | add_cross_attention is true",
        "{\"model_type\": \"gpt2\", \"is_encoder_decoder\": true} | is_encoder_decoder is true",
        "{\"model_type\": \"gpt2\", \"scale_attn_weights\": \"no\"} | scale_attn_weights is \"no\"",
        "{\"model_type\": \"gpt2\", \"scale_attn_by_inverse_layer_idx\": 0} | scale_attn_by_inverse_layer_idx is 0",
        "{\"model_type\": \"gpt2\", \"reorder_and_upcast_attn\": 1} | reorder_and_upcast_attn is 1",
        "{\"model_type\": \"gpt2\", \"n_inner\": -1} | n_inner is -1",
        "{\"model_type\": \"gpt2\", \"quantization_config\": {}} | quantization_config is set",
        "{\"model_type\": \"gpt2\", \"vocab_size\": 99999999999} | vocab_size is 99999999999",
        "{\"model_type\": \"gpt2\", \"vocab_size\": 999999999} | vocab_size is 999999999; expected 1 to",
        "{\"model_type\": \"gpt2\", \"n_embd\": 2147483647} | n_embd is 2147483647; expected 1 to",
        "{\"model_type\": \"gpt2\", \"n_layer\": 2, \"num_hidden_layers\": 3} | num_hidden_layers is 3, but n_layer is 2",
        "{\"model_type\": \"gpt2\", \"pruned_heads\": {\"0\": [1]}} | pruned_heads is {\"0\":[1]}; expected none",
        "{\"model_type\": \"gpt2\", \"auto_map\": {}} | auto_map is set",
        "{\"model_type\": \"gpt2\", \"n_layer\": 2, \"n_layer\": 2} | Duplicate field 'n_layer'",
        "{\"model_type\": \"gpt2\"} {} | not JSON",
        "{\"model_type\": \"gpt2\", \"layer_norm_epsilon\": NaN} | not JSON",
      })
  void refusesByName(String json, String message) {
    assertThatThrownBy(() -> GptConfigReader.parse(json))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(message);
  }
}
