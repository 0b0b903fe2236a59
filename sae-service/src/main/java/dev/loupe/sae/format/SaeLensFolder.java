package dev.loupe.sae.format;

import dev.loupe.sae.dictionary.Dictionary;
import dev.loupe.sae.dictionary.DictionaryWeights;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.SafetensorsException;
import dev.loupe.tensor.SafetensorsFile;
import dev.loupe.tensor.SafetensorsWriter;
import dev.loupe.tensor.TensorVisitor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A dictionary folder as SAELens 6 writes and reads it: {@code cfg.json}, {@code
 * sae_weights.safetensors} with {@code W_enc [d_in, d_sae]}, {@code b_enc [d_sae]}, {@code W_dec
 * [d_sae, d_in]} and {@code b_dec [d_in]}, and {@code sparsity.safetensors} with {@code
 * log10(firing share + 1e-10)} of each feature.
 *
 * <p>TopK dictionaries that rank by pre-activation times decoder norm are read as the same function
 * with unit decoder directions, which needs no such rule.
 */
public final class SaeLensFolder {
  static final String WEIGHTS_FILE = "sae_weights.safetensors";
  private static final String SPARSITY_FILE = "sparsity.safetensors";
  private static final List<String> TENSORS = List.of("W_enc", "b_enc", "W_dec", "b_dec");

  private SaeLensFolder() {}

  /**
   * Reads a dictionary.
   *
   * @throws UnreadableDictionaryException when the folder is damaged or of a kind that Loupe does
   *     not read; the message names the file and what is wrong
   */
  public static Dictionary read(Path folder) throws IOException, UnreadableDictionaryException {
    return read(folder, SaeLensConfig.read(folder)).dictionary();
  }

  /**
   * A dictionary as it was read.
   *
   * @param weightsSha256 of the bytes that it was made of, lower-case hexadecimal
   */
  record Stored(Dictionary dictionary, String weightsSha256) {}

  /** Reads a dictionary whose cfg.json says this. */
  static Stored read(Path folder, SaeLensConfig config)
      throws IOException, UnreadableDictionaryException {
    Map<String, float[]> values = new HashMap<>();
    String sha256 =
        readAll(
            folder,
            config,
            (name, tensor) -> {
              if (TENSORS.contains(name)) {
                values.put(name, tensor.readFloats());
              }
            });
    for (String name : TENSORS) {
      Optional<String> problem = notFinite(name, values.get(name));
      if (problem.isPresent()) {
        throw new UnreadableDictionaryException(problem.get());
      }
    }
    DictionaryWeights weights =
        new DictionaryWeights(
            transposed(values.get("W_enc"), config.dIn(), config.dSae()),
            values.get("b_enc"),
            values.get("W_dec"),
            values.get("b_dec"),
            config.subtractsDecoderBias(),
            config.normalization());
    Dictionary dictionary =
        config
            .architecture()
            .over(config.rescalesByDecoderNorm() ? weights.withUnitDecoder() : weights);
    return new Stored(dictionary, sha256);
  }

  /**
   * Writes a dictionary into an existing folder, which the caller then forces to the disk and moves
   * into place.
   *
   * @param modelName SAELens's name of the model
   * @param contextSize tokens in the longest row that it was trained on
   * @param prependsBos whether those rows begin with the beginning-of-text token
   * @param densities share of activations at which each feature fired lately
   */
  static void write(
      Path folder,
      Dictionary dictionary,
      String modelName,
      String hookPoint,
      int contextSize,
      boolean prependsBos,
      double[] densities)
      throws IOException {
    DictionaryWeights weights = dictionary.weights();
    int dIn = weights.dIn();
    int dSae = weights.dSae();
    SaeLensConfig config =
        new SaeLensConfig(
            dictionary.architecture(),
            dIn,
            dSae,
            weights.subtractsDecoderBias(),
            weights.normalization(),
            false,
            modelName,
            hookPoint);
    Files.write(folder.resolve(SaeLensConfig.FILE), config.toJson(contextSize, prependsBos));
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    tensors.put("W_enc", HostTensor.ofFloats(transposed(weights.encoder(), dSae, dIn), dIn, dSae));
    tensors.put("b_enc", HostTensor.ofFloats(weights.encoderBias(), dSae));
    tensors.put("W_dec", HostTensor.ofFloats(weights.decoder(), dSae, dIn));
    tensors.put("b_dec", HostTensor.ofFloats(weights.decoderBias(), dIn));
    SafetensorsWriter.write(folder.resolve(WEIGHTS_FILE), tensors, Map.of());
    float[] sparsity = new float[dSae];
    for (int i = 0; i < dSae; i++) {
      sparsity[i] = (float) Math.log10(densities[i] + 1e-10);
    }
    SafetensorsWriter.write(
        folder.resolve(SPARSITY_FILE),
        Map.of("sparsity", HostTensor.ofFloats(sparsity, dSae)),
        Map.of());
  }

  /** Checks the weight file's header against cfg.json without reading the weights. */
  static void check(Path folder, SaeLensConfig config)
      throws IOException, UnreadableDictionaryException {
    try (SafetensorsFile file = opened(folder, config)) {
      file.names();
    } catch (SafetensorsException e) {
      throw new UnreadableDictionaryException(e.getMessage(), e);
    }
  }

  /**
   * Reads the weights and keeps none.
   *
   * @param problem told of each tensor that holds what is no finite number
   * @return SHA-256 of the weight file, lower-case hexadecimal
   */
  static String scan(Path folder, SaeLensConfig config, Consumer<String> problem)
      throws IOException, UnreadableDictionaryException {
    return readAll(
        folder,
        config,
        (name, tensor) -> {
          if (TENSORS.contains(name)) {
            tensor.readPieces(piece -> notFinite(name, piece).ifPresent(problem));
          }
        });
  }

  private static Optional<String> notFinite(String name, float[] values) {
    for (float value : values) {
      if (!Float.isFinite(value)) {
        return Optional.of("%s: %s holds %s".formatted(WEIGHTS_FILE, name, value));
      }
    }
    return Optional.empty();
  }

  private static String readAll(Path folder, SaeLensConfig config, TensorVisitor visitor)
      throws IOException, UnreadableDictionaryException {
    try (SafetensorsFile file = opened(folder, config)) {
      return file.readAll(visitor);
    } catch (SafetensorsException e) {
      throw new UnreadableDictionaryException(e.getMessage(), e);
    }
  }

  private static SafetensorsFile opened(Path folder, SaeLensConfig config)
      throws IOException, UnreadableDictionaryException {
    SafetensorsFile file;
    try {
      file = SafetensorsFile.open(folder.resolve(WEIGHTS_FILE));
    } catch (NoSuchFileException e) {
      throw new UnreadableDictionaryException(WEIGHTS_FILE + " is missing", e);
    }
    try {
      requireTensor(file, "W_enc", config.dIn(), config.dSae());
      requireTensor(file, "b_enc", config.dSae());
      requireTensor(file, "W_dec", config.dSae(), config.dIn());
      requireTensor(file, "b_dec", config.dIn());
      return file;
    } catch (UnreadableDictionaryException e) {
      file.close();
      throw e;
    }
  }

  private static void requireTensor(SafetensorsFile file, String name, long... shape)
      throws UnreadableDictionaryException {
    if (!file.contains(name)) {
      throw new UnreadableDictionaryException(WEIGHTS_FILE + " has no tensor '" + name + "'");
    }
    if (!Arrays.equals(file.shape(name), shape)) {
      throw new UnreadableDictionaryException(
          "%s: %s has shape %s; cfg.json asks for %s"
              .formatted(
                  WEIGHTS_FILE, name, Arrays.toString(file.shape(name)), Arrays.toString(shape)));
    }
    if (!file.type(name).isFloating()) {
      throw new UnreadableDictionaryException(
          "%s: %s holds %s; expected F32, F16, BF16 or F64"
              .formatted(WEIGHTS_FILE, name, file.type(name)));
    }
  }

  /** {@code [rows, columns]} to {@code [columns, rows]}, in blocks that fit the cache. */
  static float[] transposed(float[] values, int rows, int columns) {
    float[] out = new float[values.length];
    int block = 64;
    for (int row0 = 0; row0 < rows; row0 += block) {
      for (int column0 = 0; column0 < columns; column0 += block) {
        int rowEnd = Math.min(rows, row0 + block);
        int columnEnd = Math.min(columns, column0 + block);
        for (int row = row0; row < rowEnd; row++) {
          for (int column = column0; column < columnEnd; column++) {
            out[column * rows + row] = values[row * columns + column];
          }
        }
      }
    }
    return out;
  }
}
