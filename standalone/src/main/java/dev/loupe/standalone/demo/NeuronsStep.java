package dev.loupe.standalone.demo;

import com.google.common.collect.Lists;
import dev.loupe.standalone.terminal.Table;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Neurons that mean several things at once, and how well any neuron stands for one. */
final class NeuronsStep {
  private static final int SHOWN = 3;
  private static final int BEFORE = 7;
  private static final int AFTER = 3;

  /** Activations held at once, 4 bytes each. */
  private static final long VALUES_AT_ONCE = 90_000_000;

  private final DemoContext context;
  private final HeldOutText choose;
  private final HeldOutText report;

  NeuronsStep(DemoContext context, HeldOutText choose, HeldOutText report) {
    this.context = context;
    this.choose = choose;
    this.report = report;
  }

  /**
   * What was found.
   *
   * @param polysemantic neurons with many senses, those with most first
   * @param chooseUnits the looked-at layer's neurons on the first held-out text
   * @param reportUnits the same on the second
   * @param sameLayer how well that layer's neurons stand for concepts
   * @param allLayers the best over the neurons of all layers, one for each concept
   */
  record Result(
      List<PolysemanticNeuron> polysemantic,
      DenseUnits chooseUnits,
      DenseUnits reportUnits,
      List<ConceptFit> sameLayer,
      List<ConceptFit> allLayers) {}

  Result run() {
    int layer = context.settings().layer();
    List<DenseUnits> chooseUnits = read(choose, List.of(layer));
    List<DenseUnits> reportUnits = read(report, List.of(layer));
    List<ConceptFit> sameLayer = List.of();
    List<ConceptFit> allLayers = List.of();
    if (context.labelled()) {
      sameLayer = scores().bestUnits(chooseUnits.get(0), reportUnits.get(0));
      allLayers = bestOfAllLayers(layer, sameLayer);
    }
    Meanings meanings = new Meanings(choose, context.text().concepts());
    List<PolysemanticNeuron> found =
        new PolysemanticNeurons(meanings).find(chooseUnits.get(0), layer, SHOWN);
    show(found, meanings);
    return new Result(found, chooseUnits.get(0), reportUnits.get(0), sameLayer, allLayers);
  }

  private List<ConceptFit> bestOfAllLayers(int layer, List<ConceptFit> sameLayer) {
    List<Integer> others =
        IntStream.range(0, context.model().layers()).filter(l -> l != layer).boxed().toList();
    List<ConceptFit> best = new ArrayList<>(sameLayer);
    for (List<Integer> layers : Lists.partition(others, layersAtOnce())) {
      List<DenseUnits> chooseUnits = read(choose, layers);
      List<DenseUnits> reportUnits = read(report, layers);
      for (int i = 0; i < layers.size(); i++) {
        keepBetter(best, scores().bestUnits(chooseUnits.get(i), reportUnits.get(i)));
      }
    }
    return best;
  }

  private static void keepBetter(List<ConceptFit> best, List<ConceptFit> fits) {
    for (int c = 0; c < best.size(); c++) {
      if (fits.get(c).chosenF1() > best.get(c).chosenF1()) {
        best.set(c, fits.get(c));
      }
    }
  }

  /** As many layers as fit in memory; each is read in a pass of its own otherwise. */
  private int layersAtOnce() {
    long values = (long) context.model().dMlp() * (choose.tokens() + report.tokens());
    return (int) Math.max(1, Math.min(context.model().layers(), VALUES_AT_ONCE / values));
  }

  private ConceptScores scores() {
    return new ConceptScores(choose.labels(), report.labels(), context.text().concepts().size());
  }

  private List<DenseUnits> read(HeldOutText text, List<Integer> layers) {
    List<DenseUnits> units = new ArrayList<>();
    context.withBar(
        "reading the neurons of " + (layers.size() == 1 ? "block " : "blocks ") + list(layers),
        progress ->
            units.addAll(
                new UnitReader(context.client(), context.model().name())
                    .neurons(text, layers, context.model().dMlp(), progress)));
    return units;
  }

  private static String list(List<Integer> layers) {
    return layers.stream().map(String::valueOf).collect(Collectors.joining(", "));
  }

  private void show(List<PolysemanticNeuron> neurons, Meanings meanings) {
    if (!meanings.labelled()) {
      context
          .terminal()
          .line("Without concept labels, a neuron's senses are the tokens it fires on.");
    }
    for (PolysemanticNeuron neuron : neurons) {
      context.terminal().line("");
      context
          .terminal()
          .line(
              "Neuron %s: its 100 strongest firings in %,d tokens of held-out text mean %d thing%s.",
              neuron.label(),
              choose.tokens(),
              neuron.senses().size(),
              neuron.senses().size() == 1 ? "" : "s");
      Table table = new Table("meaning", "share", "activation", "strongest context");
      for (PolysemanticNeuron.Sense sense : neuron.senses()) {
        table.row(
            sense.meaning(),
            String.format(Locale.ROOT, "%.0f%%", sense.share() * 100),
            String.format(Locale.ROOT, "%.2f", sense.activation()),
            choose.context(sense.token(), BEFORE, AFTER));
      }
      context.terminal().table(table);
    }
  }
}
