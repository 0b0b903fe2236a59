package dev.loupe.inference.model;

import dev.loupe.tensor.TensorSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What the tensors of a GPT-2 file are called, which names stand for one tensor, and whether a file
 * holds others: a tensor that would change the model's arithmetic is never passed over in silence.
 */
final class TensorNames {
  static final String HEAD = "lm_head.weight";

  private static final String PREFIX = "transformer.";
  private static final String EMBEDDING = "wte.weight";

  /** The causal mask, and the number it was once filled with: buffers, no weights. */
  private static final Pattern MASK = Pattern.compile("h\\.\\d+\\.attn\\.(bias|masked_bias)");

  /** Heads for tasks other than naming the next token. */
  private static final Pattern TASK_HEAD =
      Pattern.compile("(score|classifier|multiple_choice_head|qa_outputs|v_head)\\..*");

  private static final int NAMED = 3;

  private final GptConfig config;
  private final TensorSource source;
  private final String prefix;

  private TensorNames(GptConfig config, TensorSource source, String prefix) {
    this.config = config;
    this.source = source;
    this.prefix = prefix;
  }

  /** Names as these files have them, with {@code transformer.} in front or not. */
  static TensorNames of(GptConfig config, TensorSource source) {
    boolean prefixed = source.names().stream().anyMatch(name -> name.startsWith(PREFIX));
    return new TensorNames(config, source, prefixed ? PREFIX : "");
  }

  String of(String bare) {
    return prefix + bare;
  }

  String block(int layer) {
    return prefix + "h." + layer + ".";
  }

  /**
   * One name for all names of a tensor. The head of a model with tied embeddings is its embedding,
   * whichever of the two is stored. A tensor that is not stored may be another that is: {@code
   * safetensors.torch.save_model} keeps one of several that share memory, and says in the metadata
   * which one stands for the others.
   */
  String key(String name) {
    if (name.equals(HEAD) && config.tiedEmbeddings()) {
      return of(EMBEDDING);
    }
    String kept = source.contains(name) ? null : source.metadata().get(name);
    if (kept == null || !source.contains(kept)) {
      return name;
    }
    return kept.equals(HEAD) ? key(HEAD) : kept;
  }

  /** The model's tensors by name, with their shapes as the files have them. */
  Map<String, long[]> shapes() {
    int d = config.dModel();
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put(of(EMBEDDING), new long[] {config.vocabularySize(), d});
    shapes.put(of("wpe.weight"), new long[] {config.contextLength(), d});
    for (int layer = 0; layer < config.layers(); layer++) {
      String block = block(layer);
      norm(shapes, block + "ln_1");
      linear(shapes, block + "attn.c_attn", d, 3 * d);
      linear(shapes, block + "attn.c_proj", d, d);
      norm(shapes, block + "ln_2");
      linear(shapes, block + "mlp.c_fc", d, config.dMlp());
      linear(shapes, block + "mlp.c_proj", config.dMlp(), d);
    }
    norm(shapes, of("ln_f"));
    shapes.put(HEAD, new long[] {config.vocabularySize(), d});
    return shapes;
  }

  private void norm(Map<String, long[]> shapes, String name) {
    shapes.put(name + ".weight", new long[] {config.dModel()});
    shapes.put(name + ".bias", new long[] {config.dModel()});
  }

  private static void linear(Map<String, long[]> shapes, String name, int in, int out) {
    shapes.put(name + ".weight", new long[] {in, out});
    shapes.put(name + ".bias", new long[] {out});
  }

  /**
   * Looks for tensors that are no part of the model.
   *
   * @throws ModelLoadException naming some of them
   */
  void requireNoOthers() throws ModelLoadException {
    Set<String> known = shapes().keySet().stream().map(this::key).collect(Collectors.toSet());
    List<String> others = new ArrayList<>();
    for (String name : source.names()) {
      if (!name.equals(HEAD) && !known.contains(key(name)) && !isPassedOver(name)) {
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
}
