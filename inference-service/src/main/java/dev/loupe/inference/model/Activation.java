package dev.loupe.inference.model;

import java.util.List;
import java.util.Locale;

/** The MLP's non-linearity, by the names that a Hugging Face config uses. */
public enum Activation {
  /** 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), the GPT-2 form of Hendrycks and Gimpel. */
  GELU_TANH("gelu_new", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_fast", "gelu_accurate"),
  /** x Phi(x), with the exact normal distribution function. */
  GELU_EXACT("gelu", "gelu_python"),
  /** x sigmoid(1.702 x). */
  GELU_QUICK("quick_gelu"),
  /** max(0, x). */
  RELU("relu"),
  /** x sigmoid(x). */
  SILU("silu", "swish"),
  /** tanh(x). */
  TANH("tanh");

  private final List<String> names;

  Activation(String... names) {
    this.names = List.of(names);
  }

  /** The name to write into a config. */
  public String configName() {
    return names.get(0);
  }

  /**
   * The function that a config names.
   *
   * @throws ConfigException when Loupe does not compute it, with the names that it does
   */
  public static Activation ofConfigName(String name) {
    for (Activation activation : values()) {
      if (activation.names.contains(name.toLowerCase(Locale.ROOT))) {
        return activation;
      }
    }
    List<String> known =
        List.of(values()).stream().flatMap(activation -> activation.names.stream()).toList();
    throw new ConfigException("activation_function is '" + name + "'; expected one of " + known);
  }
}
