package dev.loupe.sae.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.sae.SaeClient;
import dev.loupe.sae.corpus.Corpus;
import dev.loupe.sae.corpus.CorpusFixture;
import dev.loupe.sae.dictionary.Architecture;
import dev.loupe.sae.dictionary.Parameter;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingRunTest {
  @TempDir Path root;
  private Corpus corpus;

  @BeforeEach
  void open() {
    corpus = CorpusFixture.open(root.resolve("corpora"), "c", SaeClient.randomRows(120, 4));
  }

  @AfterEach
  void close() {
    corpus.close();
  }

  /** Ends after some steps, if asked to, and keeps what was told. */
  private static final class Recorder implements TrainingListener {
    private final long stopAfter;
    private final List<TrainingStatus> statuses = new ArrayList<>();
    private long steps;

    Recorder(long stopAfter) {
      this.stopAfter = stopAfter;
    }

    @Override
    public void throwIfStopped() {
      if (steps == stopAfter) {
        throw LoupeException.of(ErrorReason.OPERATION_CANCELLED, "cancelled");
      }
    }

    @Override
    public void progress(TrainingStatus status) {
      statuses.add(status);
    }

    @Override
    public void trained(int rows) {
      steps++;
    }

    TrainingStatus last() {
      return statuses.get(statuses.size() - 1);
    }
  }

  @Test
  void findsPlantedFeatures() {
    Recorder recorder = new Recorder(-1);
    TrainedDictionary trained = run("a", topK(300), recorder).run();
    assertThat(recorder.last().step()).isEqualTo(300);
    assertThat(recorder.last().explainedVariance()).isGreaterThan(0.95);
    assertThat(recorder.last().l0()).isLessThanOrEqualTo(4);
    assertThat(recorder.last().deadFraction()).isLessThan(0.3);
    assertThat(trained.densities()).hasSize(64);
    double fired = 0;
    for (double density : trained.densities()) {
      fired += density;
    }
    assertThat(fired).isBetween(1.0, 4.0);
  }

  @Test
  void trainsTheStandardArchitectureToFewFeatures() {
    Recorder recorder = new Recorder(-1);
    run("a", spec(300, new Architecture.Standard(1.5f)), recorder).run();
    assertThat(recorder.last().explainedVariance()).isGreaterThan(0.8);
    assertThat(recorder.last().l0()).isLessThan(20);
  }

  /** Steps 20 and 40 write a checkpoint, 45 does not, 1 is right after the start. */
  @ParameterizedTest
  @ValueSource(longs = {1, 20, 45})
  void endsWithTheSameBytesWhenStoppedAndContinued(long stopAfter) {
    TrainedDictionary undisturbed = run("a", topK(60), new Recorder(-1)).run();
    assertThatThrownBy(() -> run("b", topK(60), new Recorder(stopAfter)).run())
        .satisfies(
            e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.OPERATION_CANCELLED));
    Recorder rest = new Recorder(-1);
    TrainedDictionary continued = run("b", topK(60), rest).run();
    assertThat(rest.steps).isEqualTo(60 - stopAfter);
    assertSame(undisturbed, continued);
  }

  @Test
  void goesOnForMoreStepsFromACheckpointButNotForFewerThanItHasDone() throws IOException {
    TrainedDictionary undisturbed = run("a", topK(60), new Recorder(-1)).run();
    assertThatThrownBy(() -> run("b", topK(30), new Recorder(20)).run())
        .isInstanceOf(LoupeException.class);
    Path checkpoint = root.resolve("b.safetensors");
    byte[] atTwenty = Files.readAllBytes(checkpoint);
    assertThatThrownBy(() -> run("b", topK(10), new Recorder(-1)).run())
        .hasMessageContaining("20 or more")
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.INVALID_VALUE));
    assertThat(Files.readAllBytes(checkpoint)).isEqualTo(atTwenty);
    Recorder rest = new Recorder(-1);
    assertSame(undisturbed, run("b", topK(60), rest).run());
    assertThat(rest.steps).isEqualTo(40);
  }

  /** A process that is killed leaves the last written checkpoint and nothing else. */
  @Test
  void endsWithTheSameBytesWhenKilledBetweenCheckpoints() throws IOException {
    TrainedDictionary undisturbed = run("a", topK(60), new Recorder(-1)).run();
    assertThatThrownBy(() -> run("b", topK(60), new Recorder(40)).run())
        .isInstanceOf(LoupeException.class);
    Path checkpoint = root.resolve("b.safetensors");
    byte[] atForty = Files.readAllBytes(checkpoint);
    assertThatThrownBy(() -> run("b", topK(60), new Recorder(15)).run())
        .isInstanceOf(LoupeException.class);
    assertThat(Files.readAllBytes(checkpoint)).isNotEqualTo(atForty);
    Files.write(checkpoint, atForty);
    assertSame(undisturbed, run("b", topK(60), new Recorder(-1)).run());
  }

  @Test
  void theSeedDecidesTheResult() {
    TrainedDictionary one = run("a", topK(10), new Recorder(-1)).run();
    assertSame(one, run("b", topK(10), new Recorder(-1)).run());
    TrainingSpec other = topK(10);
    TrainedDictionary reseeded = run("c", withSeed(other, 8), new Recorder(-1)).run();
    assertThat(reseeded.dictionary().weights().decoder())
        .isNotEqualTo(one.dictionary().weights().decoder());
  }

  @Test
  void startsAnewFromACheckpointOfAnotherRunOrADamagedOne() throws IOException {
    TrainedDictionary undisturbed = run("a", topK(30), new Recorder(-1)).run();
    assertThatThrownBy(() -> run("b", topK(60), new Recorder(20)).run())
        .isInstanceOf(LoupeException.class);
    assertSame(undisturbed, run("b", topK(30), new Recorder(-1)).run());
    assertThatThrownBy(() -> run("c", topK(30), new Recorder(20)).run())
        .isInstanceOf(LoupeException.class);
    Path checkpoint = root.resolve("c.safetensors");
    byte[] whole = Files.readAllBytes(checkpoint);
    Files.write(checkpoint, Arrays.copyOf(whole, whole.length / 2));
    assertSame(undisturbed, run("c", topK(30), new Recorder(-1)).run());
  }

  /** The last of the three is seen only after the last step. */
  @ParameterizedTest
  @CsvSource({"60, 1e30", "60, 1e38", "1, 1e30"})
  void divergenceEndsTheRunAndLeavesTheCheckpointBefore(long steps, float rate) throws IOException {
    for (Architecture architecture :
        List.of(new Architecture.TopK(4, 1f / 32), new Architecture.Standard(1))) {
      Path checkpoint = root.resolve(architecture.saeLensName() + ".safetensors");
      Files.writeString(checkpoint, "good");
      Schedule schedule = new Schedule(steps, 64, rate, 0, 0, 400, 25, 20);
      assertThatThrownBy(
              () ->
                  run(
                          architecture.saeLensName(),
                          withSchedule(schedule, architecture),
                          new Recorder(-1))
                      .run())
          .hasMessageContaining("diverged")
          .hasMessageContaining("learning rate")
          .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.NOT_FINITE));
      assertThat(checkpoint).hasContent("good");
    }
  }

  private static TrainingSpec withSchedule(Schedule schedule, Architecture architecture) {
    return new TrainingSpec(
        "d", "m", "h", "c", PlantedFeatures.WIDTH, 64, architecture, schedule, 7);
  }

  private TrainingRun run(String checkpoint, TrainingSpec spec, Recorder recorder) {
    return new TrainingRun(
        spec, corpus, new PlantedFeatures(), root.resolve(checkpoint + ".safetensors"), recorder);
  }

  private static TrainingSpec topK(long steps) {
    return spec(steps, new Architecture.TopK(4, 1f / 32));
  }

  private static TrainingSpec spec(long steps, Architecture architecture) {
    Schedule schedule = new Schedule(steps, 64, 5e-3f, 10, steps / 4, 400, 25, 20);
    return withSchedule(schedule, architecture);
  }

  private static TrainingSpec withSeed(TrainingSpec spec, long seed) {
    return new TrainingSpec(
        spec.dictionary(),
        spec.model(),
        spec.hookPoint(),
        spec.corpus(),
        spec.dIn(),
        spec.dSae(),
        spec.architecture(),
        spec.schedule(),
        seed);
  }

  private static void assertSame(TrainedDictionary expected, TrainedDictionary actual) {
    List<Parameter> a = expected.dictionary().parameters();
    List<Parameter> b = actual.dictionary().parameters();
    for (int i = 0; i < a.size(); i++) {
      assertThat(b.get(i).values()).as(a.get(i).name()).isEqualTo(a.get(i).values());
    }
    assertThat(actual.densities()).isEqualTo(expected.densities());
  }
}
