package dev.loupe.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.tokenizer.BpeTokenizer;
import dev.loupe.tensor.TensorEngine;
import dev.loupe.tensor.kernels.TorchKernels;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** That the benchmarks measure what they say; what they measure is not asserted anywhere. */
class BenchmarksTest {
  private static final GptConfig SMALL = GptConfig.gpt2(2, 2, 8, 16, 300, 299);

  @TempDir private Path folder;
  private final StringWriter out = new StringWriter();

  @Test
  void theModelIsOneThatAServerCanLoad() throws Exception {
    Path made;
    try (BenchmarkModel model = BenchmarkModel.of(SMALL);
        NDManager scope = model.loaded().newScope()) {
      made = model.folder();
      // The bytes, and the end of text that GPT-2's tokenizer always has.
      assertThat(BpeTokenizer.load(made).size()).isEqualTo(257);
      assertThat(model.tokens(2, 5).ids()).isEqualTo(model.tokens(2, 5).ids()).hasSize(10);
      float[] logits =
          model
              .loaded()
              .transformer()
              .forward(scope, model.tokens(2, 5), ForwardOptions.plain())
              .requireLogits()
              .toFloatArray();
      assertThat(logits).hasSize(2 * 5 * 300).doesNotContain(Float.NaN);
    }
    assertThat(made).doesNotExist();
  }

  @Test
  void everyFormIsLoadedInAProcessOfItsOwn() throws Exception {
    Report report = new Report(new PrintWriter(out));
    try (BenchmarkModel model = BenchmarkModel.of(SMALL)) {
      new LoadingBenchmark().run(model, report);
    }
    assertThat(report.numbers())
        .hasSize(4 + 4)
        .containsKeys("loading_over_weights", "loading_seconds");
    assertThat(report.numbers().values()).allMatch(Double::isFinite);
  }

  @Test
  void productsAreThoseOfThePass() {
    try (MatrixProducts products = new MatrixProducts(SMALL, 3, 5, 7, 1)) {
      products.run();
      // qkv, output, MLP in and out; scores and values of 7 keys; logits of one position.
      long tokens = 3 * 5;
      long expected = 2 * (tokens * 8 * (24 + 8 + 32 + 32) + tokens * 8 * 7 * 2) + 3 * 8 * 300;
      assertThat(products.multiplications()).isEqualTo(expected);
    }
  }

  @Test
  void everyWayMakesTheSameProduct() {
    try (NDManager manager = TensorEngine.newManager();
        TorchKernels kernels = ProductWay.kernels()) {
      NDArray a = manager.randomNormal(new Shape(5, 7));
      for (NDArray b :
          List.of(
              manager.randomNormal(new Shape(7, 11)),
              manager.randomNormal(new Shape(11, 7)).transpose())) {
        float[] expected = a.matMul(b).toFloatArray();
        NDArray out = manager.zeros(new Shape(5, 11));
        for (ProductWay way : ProductWay.values()) {
          NDArray product = way.product(kernels, a, b, out, manager);
          assertThat(product.getShape()).as("%s", way).isEqualTo(new Shape(5, 11));
          assertThat(product.toFloatArray()).as("%s", way).containsExactly(expected, offset(1e-5f));
        }
        assertThat(ProductWay.fastest(kernels, a, b, out)).isNotNull();
      }
    }
  }

  @Test
  void everyProductIsMadeInOneOfTheWays() {
    try (MatrixProducts products = new MatrixProducts(SMALL, 3, 5, 7, 1)) {
      long all = 0;
      for (ProductWay way : ProductWay.values()) {
        all += products.madeBy(way);
      }
      assertThat(all).isEqualTo(2 * 6 + 1);
      assertThat(products.madeBy(ProductWay.MATMUL)).as("batches").isGreaterThanOrEqualTo(2 * 2);
    }
  }

  @Test
  void worksTakeTurns() throws Exception {
    List<String> order = new ArrayList<>();
    List<Timing> timings = Timing.byTurns(2, () -> order.add("a"), () -> order.add("b"));
    assertThat(order).containsExactly("a", "b", "a", "b", "a", "b");
    assertThat(timings).hasSize(2).allSatisfy(t -> assertThat(t.minimum()).isPositive());
    Timing timing = Timing.of(3, 1, 2, 10);
    assertThat(timing.minimum()).isEqualTo(1);
    assertThat(timing.median()).isEqualTo(2.5);
    assertThat(timing.over(Timing.of(1, 1, 1, 5))).isEqualTo(2);
  }

  @Test
  void theReportKeepsOrderAndEachNumberOnce() throws Exception {
    Report report = new Report(new PrintWriter(out));
    report.ratio("x_over_y", Timing.of(3, 8, 8), Timing.of(2, 4, 5));
    report.seconds("x_seconds", Timing.of(3, 8, 8));
    report.write(folder.resolve("report.json"));

    JsonNode written = new ObjectMapper().readTree(folder.resolve("report.json").toFile());
    assertThat(written.fieldNames())
        .toIterable()
        .containsExactly("x_over_y", "x_over_y_of_minima", "x_seconds", "x_seconds_median");
    assertThat(written.get("x_over_y").asDouble()).isEqualTo(1.6);
    assertThat(written.get("x_over_y_of_minima").asDouble()).isEqualTo(1.5);
    assertThat(out.toString()).contains("x_over_y ");
    assertThatThrownBy(() -> report.number("x_seconds", 1)).hasMessageContaining("x_seconds");
  }

  @Test
  void theCommandNamesItsBenchmarksAndRefusesOthers() {
    CommandLine command = new CommandLine(new BenchCommand()).setOut(new PrintWriter(out));
    command.setErr(new PrintWriter(out));
    assertThat(command.execute("inference", "--list")).isZero();
    assertThat(out.toString()).contains("plain");
    assertThat(command.execute("inference", "--only", "plain,nothing"))
        .isEqualTo(CommandLine.ExitCode.USAGE);
    assertThat(out.toString()).contains("'nothing'");
  }

  @Test
  void aShortSoakAnswersEveryKindOfRequest() throws Exception {
    Soak.Result result = new Soak(3).run(300, 150, 1, (memory, done) -> {});
    assertThat(result.endings().values().stream().mapToInt(count -> count).sum()).isEqualTo(300);
    assertThat(result.start().residentBytes()).isPositive();
  }

  @Test
  void streamsAndPausesAreMeasured() throws Exception {
    Report report = new Report(new PrintWriter(out));
    try (BenchmarkModel model = BenchmarkModel.of(SMALL)) {
      new StreamBenchmark().run(model, report);
      new StreamedPassBenchmark().run(model, report);
      new HookRoundTripBenchmark().run(model, report);
    }
    assertThat(report.numbers())
        .containsKeys(
            "stream_gb_per_s", "stream_over_flight", "stream_over_pass", "hook_round_trip_ms");
  }

  @Test
  void concurrentClientsAreAllAnswered() throws Exception {
    Report report = new Report(new PrintWriter(out));
    try (BenchmarkModel model = BenchmarkModel.of(SMALL)) {
      new ConcurrentClientsBenchmark().run(model, report);
    }
    assertThat(report.numbers()).containsKeys("concurrent_over_batched", "concurrent_seconds");
  }
}
