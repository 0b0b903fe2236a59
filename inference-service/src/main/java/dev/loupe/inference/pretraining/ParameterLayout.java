package dev.loupe.inference.pretraining;

import dev.loupe.inference.model.GptConfig;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where each weight lies in one flat vector: those that decay first, the others behind them. Linear
 * weights lie as [out, in], the other way round than in a Hugging Face file.
 */
final class ParameterLayout {

  /** How a weight starts. */
  enum Init {
    NORMAL,
    RESIDUAL,
    POSITION,
    ONE,
    ZERO
  }

  /**
   * One weight.
   *
   * @param name its Hugging Face name
   * @param transposed true when the file holds [in, out]
   */
  record Slot(String name, long[] shape, Init init, boolean transposed, int offset, int size) {}

  private final Map<String, Slot> slots = new LinkedHashMap<>();
  private final int decayed;
  private int size;

  ParameterLayout(GptConfig config) {
    List<Runnable> plain = new ArrayList<>();
    int d = config.dModel();
    int hidden = config.dMlp();
    add("wte.weight", Init.NORMAL, false, config.vocabularySize(), d);
    add("wpe.weight", Init.POSITION, false, config.contextLength(), d);
    if (!config.tiedEmbeddings()) {
      add("lm_head.weight", Init.NORMAL, false, config.vocabularySize(), d);
    }
    for (int layer = 0; layer < config.layers(); layer++) {
      String block = "h." + layer + ".";
      add(block + "attn.c_attn.weight", Init.NORMAL, true, 3 * d, d);
      add(block + "attn.c_proj.weight", Init.RESIDUAL, true, d, d);
      add(block + "mlp.c_fc.weight", Init.NORMAL, true, hidden, d);
      add(block + "mlp.c_proj.weight", Init.RESIDUAL, true, d, hidden);
      plain.add(() -> add(block + "ln_1.weight", Init.ONE, false, d));
      plain.add(() -> add(block + "ln_1.bias", Init.ZERO, false, d));
      plain.add(() -> add(block + "attn.c_attn.bias", Init.ZERO, false, 3 * d));
      plain.add(() -> add(block + "attn.c_proj.bias", Init.ZERO, false, d));
      plain.add(() -> add(block + "ln_2.weight", Init.ONE, false, d));
      plain.add(() -> add(block + "ln_2.bias", Init.ZERO, false, d));
      plain.add(() -> add(block + "mlp.c_fc.bias", Init.ZERO, false, hidden));
      plain.add(() -> add(block + "mlp.c_proj.bias", Init.ZERO, false, d));
    }
    decayed = size;
    plain.forEach(Runnable::run);
    add("ln_f.weight", Init.ONE, false, d);
    add("ln_f.bias", Init.ZERO, false, d);
  }

  private void add(String name, Init init, boolean transposed, long... shape) {
    long count = 1;
    for (long extent : shape) {
      count = Math.multiplyExact(count, extent);
    }
    int elements = Math.toIntExact(count);
    slots.put(name, new Slot(name, shape, init, transposed, size, elements));
    size = Math.addExact(size, elements);
  }

  Slot slot(String name) {
    return slots.get(name);
  }

  List<Slot> slots() {
    return List.copyOf(slots.values());
  }

  /** Length of the flat vector. */
  int size() {
    return size;
  }

  /** How many values from the start decay. */
  int decayed() {
    return decayed;
  }
}
