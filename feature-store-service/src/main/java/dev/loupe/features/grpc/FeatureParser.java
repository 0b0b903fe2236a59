package dev.loupe.features.grpc;

import dev.loupe.features.domain.ActivationHistogram;
import dev.loupe.features.domain.Feature;
import dev.loupe.features.domain.FeatureDetails;
import dev.loupe.features.domain.FeatureId;
import dev.loupe.features.domain.FeatureLabel;
import dev.loupe.features.domain.FeatureNeighbour;
import dev.loupe.features.domain.FeatureStatistics;
import dev.loupe.features.domain.LogitEffects;
import dev.loupe.features.domain.TokenEffect;
import dev.loupe.server.errors.LoupeException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * Reads features from messages and refuses what the comments of the proto do not allow, naming the
 * field.
 */
final class FeatureParser {
  private static final int MAX_LIST = 100;

  /** How far rounding may take the cosine of two equal directions of floats. */
  private static final double COSINE_ROUNDING = 1e-4;

  private FeatureParser() {}

  static Feature feature(
      String dictionary, String field, dev.loupe.proto.features.v1.Feature message) {
    FeatureId id = FeatureNames.featureOf(dictionary, field + ".name", message.getName());
    Checks.size(field + ".examples", message.getExamplesList(), 0, MAX_LIST);
    Checks.size(field + ".neighbours", message.getNeighboursList(), 0, MAX_LIST);
    Checks.size(field + ".labels", message.getLabelsList(), 0, MAX_LIST);
    FeatureDetails details =
        new FeatureDetails(
            message.hasHistogram()
                ? Optional.of(histogram(field + ".histogram", message.getHistogram()))
                : Optional.empty(),
            all(field + ".examples", message.getExamplesList(), ExampleParser::example),
            logits(field, message),
            all(field + ".neighbours", message.getNeighboursList(), FeatureParser::neighbour));
    return new Feature(
        id,
        statistics(field + ".statistics", message.getStatistics()),
        details,
        labels(id, field + ".labels", message.getLabelsList()));
  }

  /** Reads a label's fields; its name was read before. */
  static FeatureLabel label(
      String name, String field, dev.loupe.proto.features.v1.FeatureLabel message) {
    return new FeatureLabel(
        name,
        Checks.text(field + ".text", message.getText(), 1, 1_000),
        Checks.text(field + ".source", message.getSource(), 1, 100),
        Checks.within(field + ".score", message.getScore(), 0, 1));
  }

  private static List<FeatureLabel> labels(
      FeatureId id, String field, List<dev.loupe.proto.features.v1.FeatureLabel> messages) {
    Set<String> names = new HashSet<>();
    List<FeatureLabel> labels = new ArrayList<>(messages.size());
    for (int i = 0; i < messages.size(); i++) {
      String at = field + "[" + i + "]";
      String text = messages.get(i).getName();
      FeatureNames.LabelName name = FeatureNames.label(at + ".name", text);
      if (!name.feature().equals(id)) {
        throw LoupeException.invalidValue(
            at + ".name", text, "the name of a label of " + FeatureNames.format(id));
      }
      if (!names.add(name.label())) {
        throw LoupeException.invalidValue(at + ".name", text, "each name once");
      }
      labels.add(label(name.label(), at, messages.get(i)));
    }
    return labels;
  }

  private static FeatureStatistics statistics(
      String field, dev.loupe.proto.features.v1.FeatureStatistics message) {
    return new FeatureStatistics(
        Checks.notNegative(field + ".activations", message.getActivations()),
        Checks.within(field + ".density", message.getDensity(), 0, 1),
        Checks.within(field + ".max_activation", message.getMaxActivation(), 0, Double.MAX_VALUE),
        Checks.within(
            field + ".mean_activation", message.getMeanActivation(), 0, Double.MAX_VALUE));
  }

  private static ActivationHistogram histogram(
      String field, dev.loupe.proto.features.v1.ActivationHistogram message) {
    Checks.size(field + ".counts", message.getCountsList(), 0, MAX_LIST);
    double lower = Checks.finite(field + ".lower", message.getLower());
    double upper = Checks.within(field + ".upper", message.getUpper(), lower, Double.MAX_VALUE);
    for (int i = 0; i < message.getCountsCount(); i++) {
      Checks.notNegative(field + ".counts[" + i + "]", message.getCounts(i));
    }
    return new ActivationHistogram(lower, upper, message.getCountsList());
  }

  private static LogitEffects logits(String field, dev.loupe.proto.features.v1.Feature message) {
    return new LogitEffects(
        effects(field + ".top_logits", message.getTopLogitsList()),
        effects(field + ".bottom_logits", message.getBottomLogitsList()),
        effects(field + ".raw_top_logits", message.getRawTopLogitsList()),
        effects(field + ".raw_bottom_logits", message.getRawBottomLogitsList()),
        Checks.within(
            field + ".final_norm_scale", message.getFinalNormScale(), 0, Double.MAX_VALUE));
  }

  private static List<TokenEffect> effects(
      String field, List<dev.loupe.proto.features.v1.TokenEffect> messages) {
    Checks.size(field, messages, 0, MAX_LIST);
    return all(field, messages, FeatureParser::effect);
  }

  private static TokenEffect effect(String field, dev.loupe.proto.features.v1.TokenEffect message) {
    Checks.notNegative(field + ".id", message.getId());
    return new TokenEffect(
        message.getId(),
        Checks.atMost(field + ".token", message.getToken(), Checks.MAX_TOKEN_LENGTH),
        Checks.finite(field + ".logit", message.getLogit()));
  }

  private static FeatureNeighbour neighbour(
      String field, dev.loupe.proto.features.v1.FeatureNeighbour message) {
    Checks.finite(field + ".cosine", message.getCosine());
    float cosine = message.getCosine();
    if (Math.abs(cosine) > 1 + COSINE_ROUNDING) {
      throw LoupeException.invalidValue(field + ".cosine", cosine, "a number in [-1, 1]");
    }
    return new FeatureNeighbour(
        Checks.notNegative(field + ".feature", message.getFeature()),
        Math.max(-1, Math.min(1, cosine)));
  }

  private static <M, D> List<D> all(
      String field, List<M> messages, BiFunction<String, M, D> parser) {
    List<D> parsed = new ArrayList<>(messages.size());
    for (int i = 0; i < messages.size(); i++) {
      parsed.add(parser.apply(field + "[" + i + "]", messages.get(i)));
    }
    return parsed;
  }
}
