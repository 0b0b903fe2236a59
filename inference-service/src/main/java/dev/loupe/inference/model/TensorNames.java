package dev.loupe.inference.model;

import dev.loupe.tensor.TensorSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What the tensors of a GPT-2 file are called, and whether a file holds others: a tensor that would
 * change the model's arithmetic is never passed over in silence.
 */
final class TensorNames {
  static final String HEAD = "lm_head.weight";

  private static final String PREFIX = "transformer.";

  /** The causal mask, and the number it was once filled with: buffers, no weights. */
  private static final Pattern MASK = Pattern.compile("h\\.\\d+\\.attn\\.(bias|masked_bias)");

  /** Heads for tasks other than naming the next token. */
  private static final Pattern TASK_HEAD =
      Pattern.compile("(score|classifier|multiple_choice_head|qa_outputs|v_head)\\..*");

  private static final int NAMED = 3;

  private final String prefix;

  private TensorNames(String prefix) {
    this.prefix = prefix;
  }

  /** Names as this file has them, with {@code transformer.} in front or not. */
  static TensorNames of(TensorSource source) {
    return new TensorNames(source.contains(PREFIX + "wte.weight") ? PREFIX : "");
  }

  String of(String bare) {
    return prefix + bare;
  }

  String block(int layer) {
    return prefix + "h." + layer + ".";
  }

  /**
   * Looks for tensors that are no part of the model.
   *
   * @throws ModelLoadException naming some of them
   */
  void requireNoOthers(TensorSource source, GptConfig config) throws ModelLoadException {
    Set<String> known = known(config);
    List<String> others = new ArrayList<>();
    for (String name : source.names()) {
      if (!known.contains(name) && !isPassedOver(name)) {
        others.add(name);
      }
    }
    if (!others.isEmpty()) {
      throw new ModelLoadException(
          "the weights hold %d tensors that are no part of a GPT-2 of %d layers, among them %s; expected none"
              .formatted(
                  others.size(),
                  config.layers(),
                  others.subList(0, Math.min(NAMED, others.size()))));
    }
  }

  private boolean isPassedOver(String name) {
    boolean inside = name.startsWith(prefix);
    return (inside && MASK.matcher(name.substring(prefix.length())).matches())
        || TASK_HEAD.matcher(name).matches();
  }

  private Set<String> known(GptConfig config) {
    Set<String> known = new HashSet<>(List.of(of("wte.weight"), of("wpe.weight"), HEAD));
    List<String> pairs = new ArrayList<>(List.of(of("ln_f")));
    for (int layer = 0; layer < config.layers(); layer++) {
      for (String part :
          List.of("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")) {
        pairs.add(block(layer) + part);
      }
    }
    for (String pair : pairs) {
      known.add(pair + ".weight");
      known.add(pair + ".bias");
    }
    return known;
  }
}
