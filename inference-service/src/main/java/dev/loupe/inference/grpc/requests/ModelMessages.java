package dev.loupe.inference.grpc.requests;

import dev.loupe.inference.analysis.TokenScore;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.hooks.HookAxis;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.HookPoint;
import dev.loupe.proto.inference.v1.Model;
import dev.loupe.proto.inference.v1.SpecialToken;
import dev.loupe.proto.inference.v1.SpecialTokens;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** Models, hook points and tokens as messages. */
public final class ModelMessages {
  private static final Set<HookKind> ON_DEMAND =
      EnumSet.of(
          HookKind.ATTN_IN,
          HookKind.Q_INPUT,
          HookKind.K_INPUT,
          HookKind.V_INPUT,
          HookKind.RESULT,
          HookKind.LN1_IN,
          HookKind.Q_IN,
          HookKind.K_IN,
          HookKind.V_IN,
          HookKind.MLP_IN);

  private ModelMessages() {}

  public static Model model(ServedModel model) {
    GptConfig config = model.config();
    return Model.newBuilder()
        .setName("models/" + model.id())
        .setLayers(config.layers())
        .setHeads(config.heads())
        .setDModel(config.dModel())
        .setDHead(config.dHead())
        .setDMlp(config.dMlp())
        .setVocabularySize(config.vocabularySize())
        .setContextSize(config.contextLength())
        .setParameters(config.parameters())
        .setWeightsSha256(model.provenance().weightsSha256())
        .setBosToken(model.bosToken())
        .setSpecialTokens(special(model.specialTokens()))
        .addAllStopTokens(model.stopTokens())
        .setDevice(model.provenance().device())
        .setComputeType(Provenances.computeType(model.provenance().computeType()))
        .setProcessing(Provenances.processing(model.provenance().processing()))
        .build();
  }

  private static SpecialTokens special(dev.loupe.inference.tokenizer.SpecialTokens tokens) {
    return SpecialTokens.newBuilder()
        .setBos(special(tokens.bos()))
        .setEos(special(tokens.eos()))
        .setPad(special(tokens.pad()))
        .build();
  }

  private static SpecialToken special(dev.loupe.inference.tokenizer.SpecialToken token) {
    return SpecialToken.newBuilder()
        .setId(token.id())
        .setToken(token.text())
        .setSource(token.source())
        .build();
  }

  public static HookPoint hookPoint(
      dev.loupe.inference.model.hooks.HookPoint point, ServedModel model) {
    HookPoint.Builder message =
        HookPoint.newBuilder()
            .setName(point.name())
            .setOnDemand(ON_DEMAND.contains(point.kind()))
            .addAllAliases(model.hookPoints().aliases(point));
    for (HookAxis axis : point.kind().axes()) {
      message.addAxes(axis.label()).addSizes(axis.size(model.config()));
    }
    return message.build();
  }

  public static List<String> axes(dev.loupe.inference.model.hooks.HookPoint point) {
    return point.kind().axes().stream().map(HookAxis::label).toList();
  }

  public static List<Integer> ids(int[] tokens) {
    return IntStream.of(tokens).boxed().toList();
  }

  public static List<String> texts(ServedModel model, int[] tokens) {
    return IntStream.of(tokens).mapToObj(model.tokenizer()::text).toList();
  }

  public static dev.loupe.proto.inference.v1.TokenScore score(ServedModel model, TokenScore score) {
    return dev.loupe.proto.inference.v1.TokenScore.newBuilder()
        .setId(score.id())
        .setToken(model.tokenizer().text(score.id()))
        .setLogit(score.logit())
        .setProbability(score.probability())
        .build();
  }
}
