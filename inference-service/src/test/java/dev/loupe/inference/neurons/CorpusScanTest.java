package dev.loupe.inference.neurons;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.TinyModel;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.tensor.NdArrays;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Scans against a full sort of everything, with many ties. */
class CorpusScanTest {
  private static final int WIDTH = 48;
  private static final HookPoint POINT = HookPoint.of(HookKind.Z, 0);

  /** A batch with its values, [row][position][unit]. */
  private record Seen(long id, TokenBatch batch, float[][][] values) {}

  /** A place with its value, in the order of the corpus. */
  private record Place(Seen seen, int row, int position, float value) {}

  private static List<Seen> corpus(Random random, int vocabulary) {
    List<Seen> corpus = new ArrayList<>();
    for (int b = 0; b < 7; b++) {
      List<int[]> rows = new ArrayList<>();
      for (int r = 0; r < 1 + random.nextInt(5); r++) {
        rows.add(random.ints(1 + random.nextInt(90), 0, vocabulary).toArray());
      }
      float[][][] values = new float[rows.size()][][];
      for (int r = 0; r < values.length; r++) {
        values[r] = new float[rows.get(r).length][WIDTH];
        for (float[] ofToken : values[r]) {
          for (int u = 0; u < WIDTH; u++) {
            // Few different values, so that many are equal; unit 5 has a mean that dwarfs its
            // spread.
            ofToken[u] = Math.round(random.nextGaussian() * 4) / 8f + (u == 5 ? 3000 : 0);
          }
        }
      }
      corpus.add(new Seen(1000 - b, TokenBatch.of(rows), values));
    }
    return corpus;
  }

  /** [batch, pos, unit] with padding that would win if it were looked at. */
  private static FloatBuffer padded(Seen seen) {
    float[] flat = new float[seen.batch().rows() * seen.batch().width() * WIDTH];
    Arrays.fill(flat, 1e9f);
    for (int r = 0; r < seen.values().length; r++) {
      for (int p = 0; p < seen.values()[r].length; p++) {
        int to = (r * seen.batch().width() + p) * WIDTH;
        System.arraycopy(seen.values()[r][p], 0, flat, to, WIDTH);
      }
    }
    return FloatBuffer.wrap(flat);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7})
  void keepsWhatAFullSortPutsFirst(int bits) {
    boolean onePerRow = (bits & 1) != 0;
    boolean skipFirst = (bits & 2) != 0;
    List<Integer> units = (bits & 4) != 0 ? List.of(7, 5, 40) : List.of();
    int vocabulary = onePerRow ? 200_000 : 300;
    ScanOptions options = new ScanOptions(9, 3, 2, onePerRow, skipFirst, true);
    UnitGroup group = new UnitGroup(POINT, WIDTH, units);
    GroupScan scan = new GroupScan(group, options, vocabulary);
    List<Seen> corpus = corpus(new Random(bits), vocabulary);
    long firstRow = 0;
    for (Seen seen : corpus) {
      scan.add(padded(seen), seen.batch(), seen.id(), firstRow);
      firstRow += seen.batch().rows();
    }
    for (int i = 0; i < group.count(); i++) {
      UnitReport report = scan.report(i);
      assertThat(report.unit()).isEqualTo(units.isEmpty() ? i : units.get(i));
      List<Place> places = places(corpus, report.unit(), skipFirst);
      checkStatistics(report.statistics(), places);
      checkExamples(report.examples(), onePerRow ? bestOfRows(places) : places, options);
    }
  }

  private static List<Place> places(List<Seen> corpus, int unit, boolean skipFirst) {
    List<Place> places = new ArrayList<>();
    for (Seen seen : corpus) {
      for (int r = 0; r < seen.values().length; r++) {
        for (int p = skipFirst ? 1 : 0; p < seen.values()[r].length; p++) {
          places.add(new Place(seen, r, p, seen.values()[r][p][unit]));
        }
      }
    }
    return places;
  }

  private static List<Place> bestOfRows(List<Place> places) {
    List<Place> best = new ArrayList<>();
    for (Place place : places) {
      Place last = best.isEmpty() ? null : best.get(best.size() - 1);
      if (last == null || last.seen().id() != place.seen().id() || last.row() != place.row()) {
        best.add(place);
      } else if (place.value() > last.value()) {
        best.set(best.size() - 1, place);
      }
    }
    return best;
  }

  private static void checkExamples(
      List<Example> examples, List<Place> places, ScanOptions options) {
    List<Place> sorted = new ArrayList<>(places);
    sorted.sort(Comparator.comparingDouble(place -> -place.value())); // stable: earlier ones first
    assertThat(examples).hasSize(options.topK());
    for (int i = 0; i < examples.size(); i++) {
      Example example = examples.get(i);
      Place place = sorted.get(i);
      assertThat(example.batch()).isEqualTo(place.seen().id());
      assertThat(example.row()).isEqualTo(place.row());
      assertThat(example.position()).isEqualTo(place.position());
      assertThat(example.activation()).isEqualTo(place.value());
      TokenBatch batch = place.seen().batch();
      int from = Math.max(0, place.position() - options.before());
      int to = Math.min(batch.lengths()[place.row()], place.position() + options.after() + 1);
      int start = place.row() * batch.width();
      assertThat(Arrays.stream(example.context()).asLongStream().toArray())
          .isEqualTo(Arrays.copyOfRange(batch.ids(), start + from, start + to));
      assertThat(example.focus()).isEqualTo(place.position() - from);
    }
  }

  private static void checkStatistics(Statistics statistics, List<Place> places) {
    double[] values = places.stream().mapToDouble(Place::value).toArray();
    double mean = Arrays.stream(values).average().orElseThrow();
    double variance =
        Arrays.stream(values).map(x -> (x - mean) * (x - mean)).average().orElseThrow();
    assertThat(statistics.count()).isEqualTo(values.length);
    assertThat(statistics.mean()).isCloseTo(mean, offset(1e-5 * (1 + Math.abs(mean))));
    assertThat(statistics.variance()).isCloseTo(variance, offset(1e-4 * variance));
    assertThat((double) statistics.minimum()).isEqualTo(Arrays.stream(values).min().orElseThrow());
    assertThat((double) statistics.maximum()).isEqualTo(Arrays.stream(values).max().orElseThrow());
    assertThat(statistics.active()).isEqualTo(Arrays.stream(values).filter(x -> x > 0).count());
    int[] histogram = statistics.histogram().orElseThrow();
    for (int bucket = 0; bucket < histogram.length; bucket++) {
      assertThat(histogram[bucket]).isEqualTo((int) inBucket(values, bucket));
    }
  }

  private static long inBucket(double[] values, int bucket) {
    double least = Math.abs(Histogram.bound(bucket));
    double most = Math.abs(Histogram.bound(bucket < 64 ? bucket - 1 : bucket + 1));
    return Arrays.stream(values)
        .filter(
            x ->
                bucket == 64
                    ? Math.abs(x) < Histogram.bound(65)
                    : (x > 0) == (bucket > 64)
                        && Math.abs(x) >= least
                        && (bucket == 128 || bucket == 0 || Math.abs(x) < most))
        .count();
  }

  @Test
  void bucketsAreHalfOctavesOnEitherSideOfZero() {
    assertThat(Histogram.bound(64)).isEqualTo(0);
    assertThat(Histogram.bound(65)).isEqualTo((float) Math.pow(2, -16));
    assertThat(Histogram.bound(97)).isEqualTo(1);
    assertThat(Histogram.bound(98)).isEqualTo(1.5f);
    assertThat(Histogram.bound(128)).isEqualTo(1.5f * 32768);
    assertThat(Histogram.bound(31)).isEqualTo(-1);
    assertThat(Histogram.bucket(-0f)).isEqualTo(64);
    assertThat(Histogram.bucket(Float.MIN_VALUE)).isEqualTo(64);
    assertThat(Histogram.bucket(1e30f)).isEqualTo(128);
    assertThat(Histogram.bucket(-1.4f)).isEqualTo(31);
  }

  @Test
  void theSmallestPositiveNumberIsActive() {
    StatisticsTable table = new StatisticsTable(4, false);
    table.add(new float[] {Float.MIN_VALUE, 0, -Float.MIN_VALUE, Float.MAX_VALUE}, 1);
    assertThat(new long[] {table.of(0).active(), table.of(1).active(), table.of(2).active()})
        .containsExactly(1, 0, 0);
    assertThat(table.of(3).active()).isEqualTo(1);
    assertThat(new StatisticsTable(1, false).of(0).minimum()).isEqualTo(0);
  }

  @Test
  void readsTheModelsOwnValues(@TempDir Path folder) throws Exception {
    try (TinyModel tiny = new TinyModel(folder);
        NDManager scope = tiny.loaded().newScope()) {
      var config = tiny.transformer().config();
      HookPoint post = HookPoint.of(HookKind.MLP_POST, 1);
      HookPoint z = HookPoint.of(HookKind.Z, 2);
      List<UnitGroup> groups =
          List.of(UnitGroup.of(config, post, List.of()), UnitGroup.of(config, z, List.of(8, 31)));
      ScanOptions options = new ScanOptions(3, 4, 4, false, false, false);
      CorpusScan scan = new CorpusScan(config, groups, options);
      var program = HookProgram.builder(config);
      scan.points().forEach(program::capture);
      TokenBatch batch = TokenBatch.of(tiny.rows());
      ForwardResult result =
          tiny.transformer()
              .forward(
                  scope, batch, ForwardOptions.plain().with(program.build()).with(LogitsMode.NONE));
      scan.add(batch, 7, result);
      assertThat(scan.rows()).isEqualTo(3);
      assertThat(scan.tokens()).isEqualTo(51);
      List<UnitReport> reports = new ArrayList<>();
      scan.report(reports::add);
      assertThat(reports).hasSize(128 + 2);
      float[] values = NdArrays.floats(result.capture(z)); // [3, 17, 4, 8]
      double best = Double.NEGATIVE_INFINITY;
      for (int token = 0; token < 51; token++) {
        best = Math.max(best, values[token * 32 + 31]);
      }
      UnitReport last = reports.get(129);
      assertThat(last.point()).isEqualTo(z);
      assertThat(last.unit()).isEqualTo(31);
      assertThat((double) last.examples().get(0).activation()).isEqualTo(best);
      assertThat(last.examples().get(0).batch()).isEqualTo(7);
      assertThat(reports.get(127).unit()).isEqualTo(127);
    }
  }

  @Test
  void predictsItsMemoryAndRefusesUnitsThatAreNotThere(@TempDir Path folder) throws Exception {
    try (TinyModel tiny = new TinyModel(folder)) {
      var config = tiny.transformer().config();
      HookPoint post = HookPoint.of(HookKind.MLP_POST, 0);
      UnitGroup all = UnitGroup.of(config, post, List.of());
      ScanOptions few = new ScanOptions(1, 0, 0, false, false, false);
      ScanOptions many = new ScanOptions(100, 10, 10, false, false, true);
      assertThat(CorpusScan.bytes(config, List.of(all), many))
          .isGreaterThan(128L * (100 * (32 + 42) + 4 * 129))
          .isLessThan(128L * (100 * (32 + 42) + 4 * 129 + 512));
      assertThat(CorpusScan.bytes(config, List.of(all), few)).isLessThan(128L * 512);
      assertThatThrownBy(() -> UnitGroup.of(config, post, List.of(128)))
          .hasMessageContaining("unit 128 of blocks.0.mlp.hook_post; expected 0 to 127");
      assertThatThrownBy(() -> UnitGroup.of(config, post, List.of(3, 3)))
          .hasMessageContaining("twice");
      assertThatThrownBy(() -> UnitGroup.of(config, HookPoint.of(HookKind.PATTERN, 0), List.of()))
          .hasMessageContaining("has no units");
      assertThatThrownBy(() -> UnitGroup.of(config, HookPoint.of(HookKind.LN1_SCALE, 0), List.of()))
          .hasMessageContaining("has no units");
    }
  }
}
