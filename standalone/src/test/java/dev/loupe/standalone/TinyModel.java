package dev.loupe.standalone;

import dev.loupe.standalone.corpus.CorpusGenerator;
import dev.loupe.standalone.pretrain.PretrainRun;
import dev.loupe.standalone.pretrain.PretrainSettings;
import dev.loupe.tensor.TensorEngine;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** A model that is trained for a moment, and text for it. */
final class TinyModel {
  private TinyModel() {}

  /** Makes the model in a folder. */
  static void pretrain(Path folder) throws IOException {
    TensorEngine.start(0);
    PretrainSettings tiny =
        new PretrainSettings(
            3, 600, 200, 2, 2, 32, 64, 8, 20 * 8 * 64, 20 * 8 * 64, 3e-3, 0.25, 0.5);
    new PretrainRun(
            folder,
            tiny,
            new PretrainRun.Cadence(1_000, 1_000, Duration.ofMinutes(5)),
            new PrintWriter(Writer.nullWriter()))
        .run(false);
  }

  /** Writes 400 documents into a folder, unless it is there. */
  static Path texts(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      Files.createDirectories(folder);
      CorpusGenerator corpus = new CorpusGenerator(9);
      for (int i = 0; i < 400; i++) {
        Files.writeString(folder.resolve("t" + i + ".txt"), corpus.document(i).text() + "\n");
      }
    }
    return folder;
  }
}
