package dev.loupe.inference.grpc.neurons;

import dev.loupe.inference.grpc.requests.ModelMessages;
import dev.loupe.inference.neurons.Example;
import dev.loupe.inference.neurons.Statistics;
import dev.loupe.inference.neurons.UnitReport;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.NeuronExample;
import dev.loupe.proto.inference.v1.NeuronReport;
import dev.loupe.proto.inference.v1.NeuronStatistics;
import dev.loupe.server.text.WholeText;
import java.util.Arrays;

/** What a scan found, as messages. */
final class NeuronReports {
  private final ServedModel model;

  NeuronReports(ServedModel model) {
    this.model = model;
  }

  NeuronReport message(UnitReport report) {
    NeuronReport.Builder message =
        NeuronReport.newBuilder()
            .setHookPoint(report.point().name())
            .setIndex(report.unit())
            .setStatistics(message(report.statistics()));
    for (Example example : report.examples()) {
      WholeText text =
          WholeText.of(
              Arrays.stream(example.context()).mapToObj(model.tokenizer()::bytes).toList());
      message.addExamples(
          NeuronExample.newBuilder()
              .setBatchId(example.batch())
              .setRow(example.row())
              .setPosition(example.position())
              .setActivation(example.activation())
              .addAllIds(ModelMessages.ids(example.context()))
              .addAllTokens(ModelMessages.texts(model, example.context()))
              .setFocus(example.focus())
              .setText(text.text())
              .addAllByteEnds(text.byteEnds()));
    }
    return message.build();
  }

  private static NeuronStatistics message(Statistics statistics) {
    NeuronStatistics.Builder message =
        NeuronStatistics.newBuilder()
            .setCount(statistics.count())
            .setMean(statistics.mean())
            .setVariance(statistics.variance())
            .setMinimum(statistics.minimum())
            .setMaximum(statistics.maximum())
            .setActiveFraction(
                statistics.count() == 0 ? 0 : (double) statistics.active() / statistics.count());
    statistics
        .histogram()
        .ifPresent(counts -> Arrays.stream(counts).forEach(message::addHistogram));
    return message.build();
  }
}
