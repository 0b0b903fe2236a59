package dev.loupe.sae.dictionary;

import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenFile;
import dev.loupe.testkit.golden.GoldenTensor;

/** The golden dictionaries as objects of this module. */
public final class GoldenDictionaries {
  public static final GoldenFile FILE = Golden.file("dictionaries.safetensors");

  private GoldenDictionaries() {}

  public static FloatRows rows(String name) {
    GoldenTensor tensor = FILE.tensor(name);
    return new FloatRows(tensor.floats(), (int) tensor.shape()[0], (int) tensor.shape()[1]);
  }

  public static double scalar(String name) {
    return FILE.tensor(name).values()[0];
  }

  public static double constant(String name) {
    return Double.parseDouble(FILE.metadata().get(name));
  }

  public static DictionaryWeights weights(String architecture) {
    String prefix = architecture + "/param/";
    GoldenTensor encoder = FILE.tensor(prefix + "W_enc");
    return new DictionaryWeights(
        transposed(encoder.floats(), (int) encoder.shape()[0], (int) encoder.shape()[1]),
        FILE.tensor(prefix + "b_enc").floats(),
        FILE.tensor(prefix + "W_dec").floats(),
        FILE.tensor(prefix + "b_dec").floats(),
        true,
        InputNormalization.NONE);
  }

  public static StandardDictionary standard() {
    return new StandardDictionary(
        new Architecture.Standard((float) constant("lambda")), weights("standard"));
  }

  public static TopKDictionary topK() {
    return new TopKDictionary(
        new Architecture.TopK((int) constant("k"), (float) constant("auxk_weight")),
        weights("topk"));
  }

  public static int[] deadFeatures() {
    int[] mask = FILE.tensor("dead_mask").ints();
    return java.util.stream.IntStream.range(0, mask.length).filter(i -> mask[i] != 0).toArray();
  }

  /** {@code [rows, columns]} to {@code [columns, rows]}. */
  public static float[] transposed(float[] values, int rows, int columns) {
    float[] out = new float[values.length];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        out[column * rows + row] = values[row * columns + column];
      }
    }
    return out;
  }
}
