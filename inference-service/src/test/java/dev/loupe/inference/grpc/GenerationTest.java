package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.FinishReason;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.GenerateTextResponse;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.SetValue;
import dev.loupe.proto.inference.v1.TokenLogProbability;
import dev.loupe.proto.inference.v1.TokenScore;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.grpc.TensorMessages;
import io.grpc.Context;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GenerationTest {
  private TinyServer tiny;

  @BeforeAll
  void start(@TempDir Path folder) {
    tiny = new TinyServer(folder);
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  private static GenerateTextRequest.Builder request(int... prompt) {
    return GenerateTextRequest.newBuilder()
        .setModel(TinyServer.MODEL)
        .addPrompts(TinyServer.prompt(prompt))
        .setMaxNewTokens(12);
  }

  private List<GenerateTextResponse> generate(GenerateTextRequest.Builder request) {
    List<GenerateTextResponse> steps = new ArrayList<>();
    tiny.stub().generateText(request.build()).forEachRemaining(steps::add);
    return steps;
  }

  private static List<Integer> ids(List<GenerateTextResponse> steps) {
    return steps.stream().map(GenerateTextResponse::getId).toList();
  }

  /** The slow way: a whole pass for each token. */
  private TokenScore best(List<Integer> tokens, Intervention... edits) {
    return tiny.stub()
        .runForwardPass(
            RunForwardPassRequest.newBuilder()
                .setModel(TinyServer.MODEL)
                .setTopK(1)
                .addAllInterventions(List.of(edits))
                .addPrompts(
                    TinyServer.prompt(tokens.stream().mapToInt(Integer::intValue).toArray()))
                .build())
        .getRows(0)
        .getPredictions(0)
        .getTop(0);
  }

  private void checkGreedy(List<GenerateTextResponse> steps, Intervention... edits) {
    List<Integer> tokens = new ArrayList<>(List.of(5, 80, 9));
    for (GenerateTextResponse step : steps) {
      TokenScore best = best(tokens, edits);
      assertThat(step.getId()).isEqualTo(best.getId());
      assertThat(Math.exp(step.getLogProbability())).isCloseTo(best.getProbability(), offset(1e-4));
      tokens.add(step.getId());
    }
  }

  @Test
  void greedyTextIsTheLikeliestTokenEachTime() {
    List<GenerateTextResponse> steps = generate(request(5, 80, 9));

    assertThat(steps).isNotEmpty();
    checkGreedy(steps);
    assertThat(steps.get(steps.size() - 1).getFinishReason())
        .isNotEqualTo(FinishReason.FINISH_REASON_UNSPECIFIED);
    assertThat(steps.subList(0, steps.size() - 1))
        .allMatch(s -> s.getFinishReason() == FinishReason.FINISH_REASON_UNSPECIFIED);
  }

  @Test
  void editsHoldAtThePromptAndAtEveryNewToken() {
    Intervention edit =
        Intervention.newBuilder()
            .setHookPoint("blocks.1.hook_mlp_out")
            .setSet(SetValue.newBuilder().addValues(0.5f))
            .build();
    List<GenerateTextResponse> steps = generate(request(5, 80, 9).addInterventions(edit));

    checkGreedy(steps, edit);
  }

  @Test
  void positionsCountWithinTheWholeText() {
    Intervention edit =
        Intervention.newBuilder()
            .setHookPoint("blocks.0.hook_resid_post")
            .addPositions(1)
            .addPositions(4)
            .setSet(SetValue.newBuilder().addValues(3))
            .build();
    List<GenerateTextResponse> steps = generate(request(5, 80, 9).addInterventions(edit));
    List<Integer> tokens = new ArrayList<>(List.of(5, 80, 9));
    for (GenerateTextResponse step : steps) {
      Intervention soFar =
          tokens.size() > 4 ? edit : edit.toBuilder().clearPositions().addPositions(1).build();
      assertThat(step.getId()).isEqualTo(best(tokens, soFar).getId());
      tokens.add(step.getId());
    }
  }

  @Test
  void theSameSeedGivesTheSameText() {
    GenerateTextRequest.Builder sampled =
        request(5, 80, 9).setTemperature(2).setTopK(50).setTopP(0.95f).setSeed(7);
    List<GenerateTextResponse> first = generate(sampled);

    assertThat(generate(sampled)).isEqualTo(first);
    assertThat(generate(sampled.clone().setSeed(8))).isNotEqualTo(first);
  }

  @Test
  void endsAtItsLengthOrAtAStopToken() {
    List<GenerateTextResponse> all = generate(request(5, 80, 9).setTemperature(1).setSeed(3));
    assertThat(all).hasSize(12);
    assertThat(all.get(11).getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_LENGTH);
    int stop = all.get(4).getId();
    int firstPlace = ids(all).indexOf(stop);
    List<GenerateTextResponse> cut =
        generate(request(5, 80, 9).setTemperature(1).setSeed(3).addStopTokens(stop));

    assertThat(ids(cut)).isEqualTo(ids(all).subList(0, firstPlace + 1));
    assertThat(cut.get(firstPlace).getFinishReason())
        .isEqualTo(FinishReason.FINISH_REASON_STOP_TOKEN);
  }

  @Test
  void textNeverEndsInsideACharacter() {
    for (int seed = 0; seed < 20; seed++) {
      List<GenerateTextResponse> steps =
          generate(request(5, 80, 9).setMaxNewTokens(40).setTemperature(5).setSeed(seed));
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      StringBuilder text = new StringBuilder();
      for (GenerateTextResponse step : steps) {
        text.append(step.getText());
        bytes.writeBytes(bytes(step.getId()));
      }
      assertThat(text.toString())
          .isEqualTo(new String(bytes.toByteArray(), StandardCharsets.UTF_8));
    }
  }

  /** Prompts of different lengths, which end at different steps. */
  private static final int[][] PROMPTS = {
    {5, 80, 9}, {7}, {11, 12, 13, 14, 15, 16, 17}, {40, 41, 42, 43}, {5, 80, 9, 5}
  };

  private static GenerateTextRequest.Builder together(int[]... prompts) {
    GenerateTextRequest.Builder request =
        GenerateTextRequest.newBuilder().setModel(TinyServer.MODEL).setMaxNewTokens(12);
    for (int[] prompt : prompts) {
      request.addPrompts(TinyServer.prompt(prompt));
    }
    return request;
  }

  private void checkAsAlone(GenerateTextRequest.Builder options) {
    List<GenerateTextResponse> all = generate(together(PROMPTS).mergeFrom(options.build()));
    for (int prompt = 0; prompt < PROMPTS.length; prompt++) {
      int asked = prompt;
      List<GenerateTextResponse> mine =
          all.stream().filter(step -> step.getPrompt() == asked).toList();
      List<GenerateTextResponse> alone =
          generate(together(PROMPTS[prompt]).mergeFrom(options.build()));
      assertThat(ids(mine)).isEqualTo(ids(alone));
      assertThat(mine.get(0).getProvenance().getModel()).isEqualTo(TinyServer.MODEL);
      assertThat(mine.subList(1, mine.size())).noneMatch(GenerateTextResponse::hasProvenance);
      for (int step = 0; step < alone.size(); step++) {
        checkSame(mine.get(step), alone.get(step));
      }
    }
  }

  private static void checkSame(GenerateTextResponse step, GenerateTextResponse expected) {
    assertThat(step.getText()).isEqualTo(expected.getText());
    assertThat(step.getFinishReason()).isEqualTo(expected.getFinishReason());
    assertThat(step.getLogProbability()).isCloseTo(expected.getLogProbability(), offset(1e-4f));
    assertThat(step.getTopList())
        .extracting(TokenLogProbability::getId)
        .isEqualTo(expected.getTopList().stream().map(TokenLogProbability::getId).toList());
    assertThat(step.getActivationsCount()).isEqualTo(expected.getActivationsCount());
    for (int i = 0; i < step.getActivationsCount(); i++) {
      LabelledTensor value = tensor(step.getActivations(i).getValue());
      LabelledTensor other = tensor(expected.getActivations(i).getValue());
      assertThat(value.tensor().shape()).isEqualTo(other.tensor().shape());
      float[] values = value.tensor().toFloats();
      float[] others = other.tensor().toFloats();
      for (int j = 0; j < values.length; j++) {
        assertThat(values[j]).isCloseTo(others[j], offset(1e-3f));
      }
    }
  }

  private static GenerateTextRequest.Builder options() {
    return GenerateTextRequest.newBuilder();
  }

  @Test
  void promptsTogetherGiveWhatTheyGiveAlone() {
    Intervention edit =
        Intervention.newBuilder()
            .setHookPoint("blocks.0.hook_resid_post")
            .addPositions(2)
            .addPositions(-1)
            .setSet(SetValue.newBuilder().addValues(0.7f))
            .build();
    checkAsAlone(options().setTopLogProbabilities(5));
    checkAsAlone(options().setTemperature(1).setSeed(9).setFrequencyPenalty(0.5f));
    checkAsAlone(options().setTemperature(3).setTopK(40).setTopP(0.8f).setSeed(10));
    checkAsAlone(options().addInterventions(edit).setTemperature(1).setSeed(3));
    checkAsAlone(
        options()
            .setTemperature(1)
            .setSeed(5)
            .addStopTokens(60)
            .addCaptures(Capture.newBuilder().setHookPoint("blocks.*.hook_resid_post"))
            .addCaptures(Capture.newBuilder().setHookPoint("blocks.1.attn.hook_pattern"))
            .addCaptures(Capture.newBuilder().setHookPoint("blocks.0.attn.hook_k")));
  }

  @Test
  void editsOfOnePromptLeaveTheOthersAlone() {
    Intervention edit =
        Intervention.newBuilder()
            .setHookPoint("blocks.0.hook_resid_post")
            .addRows(1)
            .setSet(SetValue.newBuilder().addValues(0.7f))
            .build();
    List<GenerateTextResponse> all =
        generate(together(PROMPTS[0], PROMPTS[0]).addInterventions(edit));
    List<GenerateTextResponse> first = all.stream().filter(s -> s.getPrompt() == 0).toList();
    List<GenerateTextResponse> second = all.stream().filter(s -> s.getPrompt() == 1).toList();

    checkGreedy(first);
    checkGreedy(second, edit.toBuilder().clearRows().build());
  }

  @Test
  void capturesAreThoseOfThePassThatPredicted() {
    String point = "blocks.1.hook_resid_mid";
    List<GenerateTextResponse> steps =
        generate(request(5, 80, 9).addCaptures(Capture.newBuilder().setHookPoint(point)));
    List<Integer> tokens = new ArrayList<>(List.of(5, 80, 9));
    int seen = 0;
    for (GenerateTextResponse step : steps) {
      LabelledTensor value = tensor(step.getActivations(0).getValue());
      float[] whole =
          tensor(
                  tiny.stub()
                      .runForwardPass(
                          RunForwardPassRequest.newBuilder()
                              .setModel(TinyServer.MODEL)
                              .addCaptures(Capture.newBuilder().setHookPoint(point))
                              .addPrompts(
                                  TinyServer.prompt(
                                      tokens.stream().mapToInt(Integer::intValue).toArray()))
                              .build())
                      .getActivations(0)
                      .getValue())
              .tensor()
              .toFloats();
      int width = whole.length / tokens.size();
      assertThat(value.tensor().shape()).containsExactly(1, tokens.size() - seen, width);
      float[] fresh = value.tensor().toFloats();
      for (int i = 0; i < fresh.length; i++) {
        assertThat(fresh[i]).isCloseTo(whole[seen * width + i], offset(1e-3f));
      }
      seen = tokens.size();
      tokens.add(step.getId());
    }
  }

  @Test
  void aPenaltyLowersWhatWasSaid() {
    List<Integer> tokens = new ArrayList<>(List.of(5, 80, 9));
    for (GenerateTextResponse step : generate(request(5, 80, 9).setFrequencyPenalty(1.5f))) {
      List<TokenScore> top = top(tokens, 100);
      Map<Integer, Float> logits = new HashMap<>();
      top.forEach(
          score ->
              logits.put(
                  score.getId(),
                  score.getLogit() - 1.5f * Collections.frequency(tokens, score.getId())));
      int best = Collections.max(logits.entrySet(), Map.Entry.comparingByValue()).getKey();
      assertThat(step.getId()).isEqualTo(best);
      float probability =
          top.stream().filter(s -> s.getId() == best).findFirst().orElseThrow().getProbability();
      assertThat(Math.exp(step.getLogProbability())).isCloseTo(probability, offset(1e-4));
      tokens.add(step.getId());
    }
    assertThat(tokens).as("a greedy text that does not go in circles").hasSize(15);
  }

  @Test
  void alternativesAreTheLikeliestTokens() {
    List<Integer> tokens = new ArrayList<>(List.of(5, 80, 9));
    for (GenerateTextResponse step :
        generate(request(5, 80, 9).setTemperature(2).setSeed(4).setTopLogProbabilities(7))) {
      List<TokenScore> top = top(tokens, 7);
      assertThat(step.getTopList()).hasSize(7);
      for (int i = 0; i < 7; i++) {
        assertThat(step.getTop(i).getId()).isEqualTo(top.get(i).getId());
        assertThat(step.getTop(i).getToken()).isEqualTo(top.get(i).getToken());
        assertThat(Math.exp(step.getTop(i).getLogProbability()))
            .isCloseTo(top.get(i).getProbability(), offset(1e-4));
      }
      tokens.add(step.getId());
    }
  }

  private List<TokenScore> top(List<Integer> tokens, int count) {
    return tiny.stub()
        .runForwardPass(
            RunForwardPassRequest.newBuilder()
                .setModel(TinyServer.MODEL)
                .setTopK(count)
                .addPrompts(
                    TinyServer.prompt(tokens.stream().mapToInt(Integer::intValue).toArray()))
                .build())
        .getRows(0)
        .getPredictions(0)
        .getTopList();
  }

  @Test
  void aStopStringMaySpanTokens() {
    int stopped = 0;
    for (int seed = 0; seed < 15; seed++) {
      GenerateTextRequest.Builder request =
          request(5, 80, 9).setMaxNewTokens(30).setTemperature(1).setSeed(seed);
      List<GenerateTextResponse> all = generate(request);
      String text = text(all);
      if (text.length() < 12) {
        continue;
      }
      String stop = text.substring(7, 10);
      List<GenerateTextResponse> cut =
          generate(request.clone().addStopStrings("never said").addStopStrings(stop));
      assertThat(text(cut)).isEqualTo(text.substring(0, text.indexOf(stop)));
      assertThat(ids(cut)).isEqualTo(ids(all).subList(0, cut.size()));
      assertThat(cut.get(cut.size() - 1).getFinishReason())
          .isEqualTo(FinishReason.FINISH_REASON_STOP_STRING);
      stopped++;
    }
    assertThat(stopped).isGreaterThan(5);
  }

  private static LabelledTensor tensor(Tensor message) {
    return TensorMessages.fromMessage(message, 1 << 20);
  }

  private static String text(List<GenerateTextResponse> steps) {
    return steps.stream().map(GenerateTextResponse::getText).collect(Collectors.joining());
  }

  @Test
  void aClientThatGoesAwayEndsItsText() throws Exception {
    Context.CancellableContext context = Context.current().withCancellation();
    Iterator<GenerateTextResponse> steps =
        context.call(
            () ->
                tiny.stub()
                    .generateText(
                        request(5, 80, 9)
                            .setMaxNewTokens(45)
                            .setTemperature(1)
                            .setSeed(4)
                            .build()));
    steps.next();
    context.cancel(null);
    long until = System.nanoTime() + 30_000_000_000L;
    var reserved = tiny.server().registry().get("loupe.inference.memory.reserved").gauge();
    while (reserved.value() > 0) {
      assertThat(System.nanoTime()).as("memory stays reserved").isLessThan(until);
      Thread.sleep(10);
    }
    assertThat(generate(request(5, 80, 9))).isNotEmpty();
  }

  private static byte[] bytes(int id) {
    return switch (id) {
      case 1 -> "th".getBytes(StandardCharsets.UTF_8);
      case 2 -> "the".getBytes(StandardCharsets.UTF_8);
      case 3 -> " the".getBytes(StandardCharsets.UTF_8);
      case TinyServer.BOS -> new byte[0];
      default -> new byte[] {(byte) (id < 192 ? id : id - 192 + 0xC2)};
    };
  }
}
