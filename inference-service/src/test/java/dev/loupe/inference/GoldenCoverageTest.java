package dev.loupe.inference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenFile;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Golden values that no test would read: the tests of a family go through all of its names, or name
 * each and fail at others, so what is left to see here is that there is no other family and that
 * none has grown.
 */
class GoldenCoverageTest {

  private static Map<String, Long> families(GoldenFile file) {
    return file.names().stream()
        .collect(
            Collectors.groupingBy(
                name -> name.substring(0, name.indexOf('/') + 1),
                TreeMap::new,
                Collectors.counting()));
  }

  @Test
  void everyFamilyOfTheTinyModelHasItsTest() {
    GoldenFile golden = Golden.gpt2Tiny();
    assertThat(families(golden))
        .isEqualTo(
            Map.ofEntries(
                Map.entry("", 2L), // tokens: what all tests run; loss_per_token: analysis
                Map.entry("run/", 61L), // model.GoldenActivationsTest
                Map.entry("edit/", 7L), // the same; one is the direction of the others
                Map.entry("edit_every/", 59L), // the same
                Map.entry("processed/", 61L), // processing.WeightProcessorTest
                Map.entry("grad/", 57L), // gradients.GoldenGradientsTest
                Map.entry("attribution_patching/", 6L), // gradients.AttributionPatchingTest
                Map.entry("dla/", 1L), // analysis.GoldenAnalysisTest
                Map.entry("heads/", 3L), // analysis.HeadDetectorTest
                Map.entry("heads_excl/", 3L), // the same
                Map.entry("composition/", 3L))); // weights.WeightsTest
  }

  @Test
  void everyFamilyOfTheBridgeHasItsTest() {
    assertThat(families(Golden.file("gpt2-tiny/bridge.safetensors")))
        .isEqualTo(Map.of("bridge_run/", 12L, "bridge_edit/", 12L)); // model.BridgeHookPointsTest
  }

  /** Influences and scores are a graph's, which its caller computes from these rows. */
  @Test
  void everyNameOfTheAttributionGraphHasItsTest() {
    Map<String, String> reader =
        Golden.file("attribution.safetensors").names().stream()
            .collect(
                Collectors.toMap(
                    Function.identity(),
                    name ->
                        name.startsWith("transcoder/")
                            ? name.substring(name.lastIndexOf('/') + 1)
                            : name));
    assertThat(reader.values())
        .containsOnly(
            // gradients.LinearAttributionTest
            "tokens",
            "active_features",
            "feature_activations",
            "error_nodes",
            "adjacency",
            "row_value",
            "row_bias",
            "logit_tokens",
            "logit_probabilities",
            "W_enc",
            "b_enc",
            "W_dec",
            "b_dec",
            // not this service's
            "influence");
  }
}
