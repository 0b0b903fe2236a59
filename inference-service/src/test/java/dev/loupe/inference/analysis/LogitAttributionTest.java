package dev.loupe.inference.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.Activation;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.RandomModel;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Direct logit attribution of models of other shapes adds up to the slow model's logit, within 1e-4
 * of what is added up.
 */
class LogitAttributionTest {
  private static final int[] TOKENS = {3, 1, 4, 1, 5};

  /** Heads, hidden width, tied or not, position, the token that is subtracted or -1. */
  @ParameterizedTest
  @CsvSource({"3,20,true,-1,-1", "2,7,false,2,6", "6,48,false,0,-1", "1,5,true,4,0"})
  void componentsHeadsAndBiasesAddUp(
      int heads, int hidden, boolean tied, int position, int incorrect, @TempDir Path folder)
      throws Exception {
    GptConfig config =
        new GptConfig(
            2, heads, 12, hidden, 9, 13, 1e-5, Activation.RELU, tied, true, false, -1, -1);
    OptionalInt subtracted = incorrect < 0 ? OptionalInt.empty() : OptionalInt.of(incorrect);
    try (RandomModel model = new RandomModel(folder, config, 8);
        NDManager scope = model.loaded().newScope()) {
      LogitAttribution.Split split =
          new LogitAttribution(model.transformer())
              .split(scope, TOKENS, position, 11, subtracted, 5, PassControl.NONE);
      double[] logits = model.slow().logits(TOKENS);
      int at = (position < 0 ? TOKENS.length + position : position) * 13;
      double expected = logits[at + 11] - (incorrect < 0 ? 0 : logits[at + incorrect]);
      double magnitude = Math.abs(split.bias());
      double sum = split.bias();
      for (LogitAttribution.Contribution part : split.contributions()) {
        sum += part.logit();
        magnitude += Math.abs(part.logit());
      }
      assertThat(split.contributions()).hasSize(2 + 2 * (heads + 2));
      assertThat(sum).isCloseTo(expected, offset(1e-4 * magnitude));
      assertThat(split.total()).isCloseTo(expected, offset(1e-4 * magnitude));
      assertThat(split.neurons()).hasSize(5);
    }
  }
}
