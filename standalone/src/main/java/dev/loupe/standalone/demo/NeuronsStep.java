package dev.loupe.standalone.demo;

import dev.loupe.standalone.terminal.Table;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Neurons that mean several things at once, and how well any neuron stands for one. */
final class NeuronsStep {
  private static final int SHOWN = 3;
  private static final int BEFORE = 7;
  private static final int AFTER = 3;

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
    DenseUnits chooseUnits = read(choose, layer);
    DenseUnits reportUnits = read(report, layer);
    Meanings meanings = new Meanings(choose, context.text().concepts());
    List<PolysemanticNeuron> found =
        new PolysemanticNeurons(meanings).find(chooseUnits, layer, SHOWN);
    show(found, meanings);
    List<ConceptFit> sameLayer = List.of();
    List<ConceptFit> allLayers = List.of();
    if (context.labelled()) {
      sameLayer = scores().bestUnits(chooseUnits, reportUnits);
      allLayers = bestOfAllLayers(layer, sameLayer);
    }
    return new Result(found, chooseUnits, reportUnits, sameLayer, allLayers);
  }

  private List<ConceptFit> bestOfAllLayers(int layer, List<ConceptFit> sameLayer) {
    List<ConceptFit> best = new ArrayList<>(sameLayer);
    for (int other = 0; other < context.model().layers(); other++) {
      if (other != layer) {
        List<ConceptFit> fits = scores().bestUnits(read(choose, other), read(report, other));
        for (int c = 0; c < best.size(); c++) {
          if (fits.get(c).chosenF1() > best.get(c).chosenF1()) {
            best.set(c, fits.get(c));
          }
        }
      }
    }
    return best;
  }

  private ConceptScores scores() {
    return new ConceptScores(choose.labels(), report.labels(), context.text().concepts().size());
  }

  private DenseUnits read(HeldOutText text, int layer) {
    DenseUnits[] units = new DenseUnits[1];
    context.withBar(
        "reading the neurons of block " + layer,
        progress ->
            units[0] =
                new UnitReader(context.client(), context.model().name())
                    .neurons(text, layer, context.model().dMlp(), progress));
    return units[0];
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
              "Neuron %s: its 100 strongest firings in %,d tokens of held-out text mean %d things.",
              neuron.label(), choose.tokens(), neuron.senses().size());
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
