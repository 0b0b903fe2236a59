package dev.loupe.standalone.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.standalone.client.LoupeClient;
import dev.loupe.standalone.client.ModelInfo;
import dev.loupe.standalone.embedded.EmbeddedLoupe;
import dev.loupe.standalone.terminal.Terminal;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the model that ships with Loupe must know, asked over the services as the demo asks. */
class ShippedModelTest {
  @TempDir private static Path data;
  private static EmbeddedLoupe loupe;
  private static LoupeClient client;
  private static DemoContext context;

  @BeforeAll
  static void start() {
    loupe = EmbeddedLoupe.start(data, 0, List.of());
    client = new LoupeClient(loupe.gateway());
    ModelInfo model = client.model(loupe.models().get(0)).info();
    context =
        new DemoContext(
            client,
            model,
            new GeneratedText(1),
            DemoSettings.shipped(model),
            "The capital of Texas is",
            true,
            new Terminal(
                new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8),
                false));
  }

  @AfterAll
  static void end() {
    client.close();
    loupe.close();
  }

  @Test
  void itKnowsTheCapitals() {
    PredictStep.Result result = new PredictStep(context).run();

    assertThat(result.best().token()).isEqualTo(" Austin");
    assertThat(result.best().probability()).isGreaterThanOrEqualTo(0.5);
    assertThat(result.statesCorrect().orElseThrow()).isBetween(45, 50);
  }

  @Test
  void itHasInductionAndPreviousTokenHeads() {
    List<TextRow> rows =
        new RowPacker(context.modelClient(), context.model().bosToken(), 128)
            .pack(context.text().heldOut(), 16, (done, total) -> {});

    HeadsStep.Result heads = new HeadsStep(context, new HeldOutText(rows)).run();

    assertThat(heads.induction().score()).isGreaterThanOrEqualTo(0.4);
    assertThat(heads.previousToken().score()).isGreaterThanOrEqualTo(0.4);
  }

  @Test
  void itHasAtLeastSixtyConcepts() {
    assertThat(context.text().concepts()).hasSizeGreaterThanOrEqualTo(60).doesNotHaveDuplicates();
  }
}
