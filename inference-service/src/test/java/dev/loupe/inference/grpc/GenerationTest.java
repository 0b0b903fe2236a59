package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.FinishReason;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.GenerateTextResponse;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.SetValue;
import dev.loupe.proto.inference.v1.TokenScore;
import io.grpc.Context;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
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
