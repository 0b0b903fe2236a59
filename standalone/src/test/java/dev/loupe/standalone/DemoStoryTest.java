package dev.loupe.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.loupe.standalone.client.LoupeClient;
import dev.loupe.standalone.client.ModelInfo;
import dev.loupe.standalone.client.TrainingSpec;
import dev.loupe.standalone.demo.DemoException;
import dev.loupe.standalone.demo.DemoSettings;
import dev.loupe.standalone.demo.Story;
import dev.loupe.standalone.embedded.EmbeddedLoupe;
import dev.loupe.standalone.embedded.StartException;
import dev.loupe.standalone.terminal.Terminal;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** The whole story over real services, on a model that is trained here for a moment. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DemoStoryTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private static Path folder;
  private static EmbeddedLoupe loupe;
  private static LoupeClient client;

  private record Told(String output, JsonNode figures) {}

  @BeforeAll
  static void startEverything() throws IOException {
    TinyModel.pretrain(folder.resolve("tiny"));
    start();
  }

  private static void start() {
    loupe =
        EmbeddedLoupe.start(folder.resolve("data"), 0, List.of(folder.resolve("tiny").toString()));
    client = new LoupeClient(loupe.gateway());
  }

  @AfterAll
  static void endEverything() {
    client.close();
    loupe.close();
  }

  @Test
  @Order(1)
  void aReadersOwnTextGetsEverythingButWhatNeedsLabels() throws IOException {
    Told told = tell(ownStory());

    for (int step = 2; step <= 9; step++) {
      assertThat(told.output()).contains(step + " of 10: ");
    }
    JsonNode figures = told.figures();
    assertThat(figures.at("/prediction/probability").doubleValue()).isBetween(0.0, 1.0);
    assertThat(figures.at("/prediction/token").textValue()).isNotEmpty();
    assertThat(figures.at("/heads/induction_score").doubleValue()).isBetween(0.0, 1.0);
    assertThat(figures.at("/heads/previous_token_score").doubleValue()).isBetween(0.0, 1.0);
    assertThat(figures.at("/sae/explained_variance").doubleValue()).isBetween(-1.0, 1.0);
    assertThat(figures.at("/sae/l0").doubleValue()).isBetween(0.1, 8.0);
    assertThat(figures.at("/sae/dead_fraction").doubleValue()).isBetween(0.0, 1.0);
    assertThat(figures.at("/sae/ce_recovered").isNumber()).isTrue();
    assertThat(figures.at("/activation_stream/rows_per_second").doubleValue()).isPositive();
    assertThat(figures.at("/train/rows_per_second").doubleValue()).isPositive();
    assertThat(figures.at("/duration_seconds").doubleValue()).isEqualTo(1.5);
    assertThat(figures.has("concepts")).isFalse();
    assertThat(figures.at("/left_out").fieldNames())
        .toIterable()
        .contains("concepts.neuron_f1", "concepts.feature_f1", "prediction.states_correct");
  }

  @Test
  @Order(2)
  void aSecondRunUsesTheDictionaryAgainAndWritesNoRateForIt() throws IOException {
    Told told = tell(ownStory());

    assertThat(told.output()).contains("used again");
    assertThat(told.figures().at("/train/reused").textValue()).startsWith("dictionaries/demo-");
    assertThat(told.figures().at("/train").has("rows_per_second")).isFalse();
    assertThat(told.figures().at("/left_out").has("train.rows_per_second")).isTrue();
    assertThat(told.figures().at("/sae/l0").isNumber()).isTrue();
  }

  @Test
  @Order(3)
  void whatWasMadeIsThereAfterARestart() throws IOException {
    client.close();
    loupe.close();
    start();

    assertThat(tell(ownStory()).output()).contains("used again");
  }

  @Test
  @Order(4)
  void labelledTextGivesConceptScoresAndNamedFeatures() throws IOException {
    ModelInfo model = model();
    Told told =
        tell(Story.ofShippedModel(client, model, settings(), "The capital of Texas is", quiet()));

    assertThat(told.figures().at("/concepts/neuron_f1").doubleValue()).isBetween(0.01, 1.0);
    assertThat(told.figures().at("/concepts/feature_f1").doubleValue()).isBetween(0.01, 1.0);
    assertThat(told.figures().at("/concepts/count").intValue()).isGreaterThan(20);
    assertThat(told.figures().at("/prediction/states_correct").intValue()).isBetween(0, 50);
    assertThat(told.figures().has("left_out")).isFalse();
  }

  @Test
  @Order(5)
  void theGatewayAnswersInJson() throws Exception {
    HttpResponse<String> response =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create(loupe.page() + "v1/models")).build(),
                HttpResponse.BodyHandlers.ofString());

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(JSON.readTree(response.body()).at("/models/0/name").textValue())
        .isEqualTo("models/tiny");
  }

  @Test
  @Order(6)
  void aFolderIsHeldByOneLoupeAtATime() {
    assertThatThrownBy(
            () ->
                EmbeddedLoupe.start(
                    folder.resolve("data"), 0, List.of(folder.resolve("tiny").toString())))
        .isInstanceOf(StartException.class)
        .hasMessageContaining("another Loupe is using");
  }

  @Test
  @Order(7)
  void tooLittleTextIsSaid() throws IOException {
    Path file = Files.writeString(folder.resolve("short.txt"), "A word.");

    assertThatThrownBy(() -> story(file, settings()).tell())
        .isInstanceOf(DemoException.class)
        .hasMessageContaining("too little text")
        .hasMessageContaining("short.txt");
  }

  @Test
  @Order(8)
  void aHookPointThatIsNotThereIsSaidWithTheNearest() throws IOException {
    DemoSettings settings = settings().with("blocks.1.hook_resid_pots", null, null);

    assertThatThrownBy(() -> story(texts(), settings).tell())
        .isInstanceOf(StatusRuntimeException.class)
        .hasMessageContaining("blocks.1.hook_resid_post");
  }

  private static Story ownStory() throws IOException {
    return story(texts(), settings());
  }

  private static Story story(Path corpus, DemoSettings settings) {
    return Story.ofOwnModel(client, model(), corpus, false, settings, "In the morning", quiet());
  }

  private static final ByteArrayOutputStream OUTPUT = new ByteArrayOutputStream();

  private static Terminal quiet() {
    OUTPUT.reset();
    return new Terminal(new PrintStream(OUTPUT, true, StandardCharsets.UTF_8), false);
  }

  private static Told tell(Story story) throws IOException {
    Path file = folder.resolve("summary.json");
    story.tell().write(file, 1.5);
    return new Told(OUTPUT.toString(StandardCharsets.UTF_8), JSON.readTree(file.toFile()));
  }

  private static ModelInfo model() {
    return client.model(loupe.models().get(0)).info();
  }

  private static DemoSettings settings() {
    return new DemoSettings(
        64,
        60,
        30,
        1,
        new TrainingSpec("blocks.1.hook_resid_post", 64, 8, 1.0 / 32, 40, 256, 3e-3, 4, 10, 20, 1),
        6);
  }

  private static Path texts() throws IOException {
    return TinyModel.texts(folder.resolve("texts"));
  }
}
