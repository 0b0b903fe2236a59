package dev.loupe.standalone.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.loupe.inference.InferenceConfig;
import dev.loupe.inference.InferenceServer;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.standalone.client.LoupeClient;
import dev.loupe.standalone.client.ModelInfo;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenFile;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is known of prompts, held against the golden model as GPT-2 small is held to its own. */
class KnownFactsTest {
  private static final int VOCABULARY = 211;
  private static final int LENGTH = 17;

  private SelfTestModel tiny;
  private InferenceServer server;
  private LoupeClient client;
  private int[] tokens;
  private float[] logits;
  private String text;

  @BeforeEach
  void start() throws IOException {
    tiny = new SelfTestModel();
    GoldenFile golden = Golden.gpt2Tiny();
    tokens = Arrays.copyOf(golden.tensor("tokens").ints(), LENGTH);
    float[] all = golden.tensor("run/logits").floats();
    logits = Arrays.copyOfRange(all, (LENGTH - 1) * VOCABULARY, LENGTH * VOCABULARY);
    writeLetters();
    server =
        InferenceServer.start(
            InferenceConfig.of(List.of(ModelSpec.parse(tiny.folder().toString()))));
    client = new LoupeClient(new InetSocketAddress("127.0.0.1", server.port()));
  }

  /** A tokenizer in which the first golden row's tokens are letters, and the row is a text. */
  private void writeLetters() throws IOException {
    Map<Integer, String> letters = new LinkedHashMap<>();
    for (int token : tokens) {
      letters.putIfAbsent(token, String.valueOf((char) ('a' + letters.size())));
    }
    ObjectNode vocabulary = new ObjectMapper().createObjectNode();
    for (int id = 0; id < VOCABULARY; id++) {
      vocabulary.put(letters.getOrDefault(id, "t" + id), id);
    }
    Files.writeString(tiny.folder().resolve("vocab.json"), vocabulary.toString());
    text = Arrays.stream(tokens).mapToObj(letters::get).collect(Collectors.joining());
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    server.close();
    tiny.close();
  }

  private KnownFacts facts(int[] expectedTokens, float[] expectedLogits) {
    List<KnownFacts.TopToken> top =
        IntStream.range(0, VOCABULARY)
            .boxed()
            .sorted((a, b) -> Float.compare(expectedLogits[b], expectedLogits[a]))
            .limit(5)
            .map(id -> new KnownFacts.TopToken(id, expectedLogits[id]))
            .toList();
    return new KnownFacts(
        "the golden model",
        3,
        32,
        VOCABULARY,
        1e-3,
        List.of(new KnownFacts.KnownPrompt(text, expectedTokens, top)));
  }

  private ModelInfo info() {
    return client.model("models/gpt2-tiny").info();
  }

  private List<Check> failures(KnownFacts facts) {
    List<Check> checks = new Verification(client).facts(info(), facts);
    assertThat(checks).hasSize(6);
    return checks.stream().filter(check -> !check.holds()).toList();
  }

  @Test
  void whatIsKnownHolds() {
    assertThat(failures(facts(tokens, logits))).isEmpty();
  }

  @Test
  void anotherLogitIsNamed() {
    float[] other = logits.clone();
    int best =
        IntStream.range(0, VOCABULARY).reduce((a, b) -> logits[b] > logits[a] ? b : a).getAsInt();
    other[best] += 0.01f;

    assertThat(failures(facts(tokens, other)))
        .singleElement()
        .satisfies(
            check -> {
              assertThat(check.name()).isEqualTo("top 1: token " + best);
              assertThat(check.error()).isBetween(0.009, 0.011);
            });
  }

  @Test
  void anotherTokenOnTopIsNamed() {
    float[] other = logits.clone();
    int worst =
        IntStream.range(0, VOCABULARY).reduce((a, b) -> logits[b] < logits[a] ? b : a).getAsInt();
    other[worst] = 1000;

    assertThat(failures(facts(tokens, other)))
        .first()
        .satisfies(
            check -> {
              assertThat(check.name()).isEqualTo("top 1: token " + worst);
              assertThat(check.detail()).matches("token \\d+ is there");
            });
  }

  @Test
  void otherTokensOfTheTextAreNamed() {
    int[] other = tokens.clone();
    other[0] = (other[0] + 1) % VOCABULARY;

    assertThat(failures(facts(other, logits)))
        .first()
        .satisfies(check -> assertThat(check.name()).isEqualTo("tokens"));
  }

  @Test
  void factsAboutAnotherModelAreNotHeldAgainstThisOne() throws IOException {
    KnownFacts small = KnownFacts.ofGpt2Small();
    assertThat(small.prompts()).hasSize(5).allMatch(prompt -> prompt.top().size() == 10);
    assertThatThrownBy(() -> new Verification(client).facts(info(), small))
        .isInstanceOf(VerifyException.class)
        .hasMessageContaining("GPT-2 small");
  }
}
