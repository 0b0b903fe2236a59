package dev.loupe.sae.publishing;

import dev.loupe.sae.corpus.ActivationFeed;
import dev.loupe.sae.corpus.ActivationSource;
import dev.loupe.sae.corpus.BatchActivations;
import dev.loupe.sae.corpus.CorpusListener;
import dev.loupe.sae.corpus.CorpusPass;
import dev.loupe.sae.corpus.TokenBatch;
import dev.loupe.sae.dictionary.DecoderSimilarity;
import dev.loupe.sae.dictionary.Dictionary;
import dev.loupe.sae.dictionary.FloatRows;
import dev.loupe.sae.dictionary.SparseFeatures;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * Reads a corpus through a dictionary once and writes what it sees of every feature to the feature
 * store.
 */
public final class Publisher {
  private static final int LOGITS = 10;
  private static final int NEIGHBOURS = 10;

  /**
   * What was published.
   *
   * @param features written
   * @param activations read
   */
  public record Result(long features, long activations) {}

  /**
   * Which dictionary, and what its directions mean.
   *
   * @param id of the dictionary
   * @param model id of the model
   * @param addsToResidual whether a decoder direction adds to the residual stream, so that the
   *     final layer norm and the unembedding say what it does to the logits
   * @param examples to keep for each feature
   */
  public record Job(
      String id, String model, String hookPoint, boolean addsToResidual, int examples) {}

  private final Job job;
  private final Dictionary dictionary;
  private final ActivationSource source;
  private final Vocabulary vocabulary;
  private final FeatureSink sink;
  private final CorpusListener listener;

  /** Publishes a dictionary. */
  public Publisher(
      Job job,
      Dictionary dictionary,
      ActivationSource source,
      Vocabulary vocabulary,
      FeatureSink sink,
      CorpusListener listener) {
    this.job = job;
    this.dictionary = dictionary;
    this.source = source;
    this.vocabulary = vocabulary;
    this.sink = sink;
    this.listener = listener;
  }

  /**
   * Runs the pass and writes the features.
   *
   * @param sample rows over which is measured how directions go through the final layer norm
   */
  public Result publish(CorpusPass pass, CorpusPass sample) {
    ActivationCounts counts = new ActivationCounts(dictionary.dSae());
    TopExamples examples = new TopExamples(dictionary.dSae(), job.examples());
    read(pass, counts, examples);
    if (counts.activations() == 0) {
      throw LoupeException.invalidValue(
          "corpus", "rows of one token each", "rows of at least two tokens");
    }
    List<DecoderSimilarity.Neighbours> neighbours =
        new DecoderSimilarity(dictionary.weights()).nearest(NEIGHBOURS);
    Optional<FinalNorm> norm =
        job.addsToResidual()
            ? FinalNorm.over(
                source, job.model(), dictionary.dIn(), sample, listener::throwIfStopped)
            : Optional.empty();
    for (int first = 0; first < dictionary.dSae(); first += FeatureSink.MAX_BATCH) {
      listener.throwIfStopped();
      int count = Math.min(FeatureSink.MAX_BATCH, dictionary.dSae() - first);
      sink.write(job.id(), features(first, count, counts, examples, norm, neighbours));
    }
    return new Result(dictionary.dSae(), counts.activations());
  }

  private void read(CorpusPass pass, ActivationCounts counts, TopExamples examples) {
    long rows = 0;
    try (ActivationFeed feed =
        source.open(job.model(), job.hookPoint(), pass, listener::throwIfStopped)) {
      Optional<BatchActivations> next = feed.next();
      while (next.isPresent()) {
        listener.throwIfStopped();
        add(next.get(), counts, examples);
        rows += next.get().batch().rows().size();
        listener.progress(rows, pass.totalRows());
        next = feed.next();
      }
    }
  }

  private void add(BatchActivations activations, ActivationCounts counts, TopExamples examples) {
    if (activations.rows().width() != dictionary.dIn()) {
      throw LoupeException.of(
          ErrorReason.WRONG_SHAPE,
          "%s of %s is %d wide; the dictionary reads %d"
              .formatted(
                  job.hookPoint(), job.model(), activations.rows().width(), dictionary.dIn()));
    }
    SparseFeatures features = dictionary.encode(activations.rows());
    if (!features.isFinite()) {
      throw LoupeException.of(
          ErrorReason.NOT_FINITE,
          "the dictionary's features of %s of %s overflow: some are infinite or not a number"
              .formatted(job.hookPoint(), job.model()));
    }
    counts.addActivations(activations.rows().rows());
    for (int at = 0; at < features.count(); at++) {
      counts.add(features.indices()[at], features.values()[at]);
    }
    TokenBatch batch = activations.batch();
    int first = 0;
    for (int i = 0; i < batch.rows().size(); i++) {
      int[] ids = batch.rows().get(i);
      examples.add(batch.rowNumbers().get(i), ids, features, first);
      first += ids.length - 1;
    }
  }

  private List<PublishedFeature> features(
      int first,
      int count,
      ActivationCounts counts,
      TopExamples examples,
      Optional<FinalNorm> norm,
      List<DecoderSimilarity.Neighbours> neighbours) {
    List<LogitEffects> effects = effects(first, count, norm);
    Map<Integer, VocabularyToken> tokens = tokens(first, count, examples);
    List<PublishedFeature> features = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int feature = first + i;
      features.add(
          new PublishedFeature(
              feature,
              counts.statistics(feature),
              examples.of(feature).stream()
                  .map(window -> FeatureExample.of(window, tokens))
                  .toList(),
              effects.get(i),
              neighbours(neighbours.get(feature))));
    }
    return features;
  }

  private List<LogitEffects> effects(int first, int count, Optional<FinalNorm> norm) {
    if (norm.isEmpty()) {
      return Collections.nCopies(count, LogitEffects.NONE);
    }
    int dIn = dictionary.dIn();
    float[] directions = new float[count * dIn];
    System.arraycopy(dictionary.weights().decoder(), first * dIn, directions, 0, directions.length);
    FloatRows rows = new FloatRows(directions, count, dIn);
    FloatRows added = norm.get().through(rows);
    List<TokenExtremes> direct = vocabulary.project(job.model(), added, LOGITS, true);
    List<TokenExtremes> raw = vocabulary.project(job.model(), rows, LOGITS, false);
    return IntStream.range(0, count)
        .mapToObj(i -> new LogitEffects(direct.get(i), raw.get(i), norm.get().scale()))
        .toList();
  }

  private Map<Integer, VocabularyToken> tokens(int first, int count, TopExamples examples) {
    TreeSet<Integer> ids = new TreeSet<>();
    for (int feature = first; feature < first + count; feature++) {
      for (TopExamples.Window window : examples.of(feature)) {
        for (int id : window.ids()) {
          ids.add(id);
        }
      }
    }
    Map<Integer, VocabularyToken> tokens = new HashMap<>();
    if (!ids.isEmpty()) {
      int[] sorted = ids.stream().mapToInt(id -> id).toArray();
      List<VocabularyToken> found = vocabulary.tokens(job.model(), sorted);
      for (int i = 0; i < sorted.length; i++) {
        tokens.put(sorted[i], found.get(i));
      }
    }
    return tokens;
  }

  private static List<FeatureNeighbour> neighbours(DecoderSimilarity.Neighbours found) {
    List<FeatureNeighbour> neighbours = new ArrayList<>();
    for (int i = 0; i < found.features().length; i++) {
      neighbours.add(new FeatureNeighbour(found.features()[i], found.cosines()[i]));
    }
    return neighbours;
  }
}
