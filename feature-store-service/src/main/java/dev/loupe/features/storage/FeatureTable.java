package dev.loupe.features.storage;

import dev.loupe.features.domain.AnswerTooLargeException;
import dev.loupe.features.domain.Feature;
import dev.loupe.features.domain.FeatureId;
import dev.loupe.features.domain.FeatureLabel;
import dev.loupe.features.domain.FeatureRepository;
import dev.loupe.features.domain.FeatureView;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.result.ResultIterator;
import org.jdbi.v3.core.statement.PreparedBatch;

/** Features by their ids, and their words. */
final class FeatureTable {
  /** Rows that a driver holds at once: each may have hundreds of kilobytes. */
  static final int FETCH_SIZE = 50;

  private final Dialect dialect;
  private final LabelTable labels;

  FeatureTable(Dialect dialect, LabelTable labels) {
    this.dialect = dialect;
    this.labels = labels;
  }

  void upsert(Handle handle, String dictionary, List<Feature> features, Instant now) {
    // Writers that lock rows in one order do not wait for each other in a circle.
    List<Feature> sorted =
        features.stream().sorted(Comparator.comparingLong(f -> f.id().index())).toList();
    try (PreparedBatch batch =
        handle.prepareBatch(
            "INSERT INTO feature (dictionary, feature_index, activations, density, max_activation,"
                + " mean_activation, updated_micros, top_tokens, details)"
                + " VALUES (:dictionary, :index, :activations, :density, :maxActivation,"
                + " :meanActivation, :updated, :topTokens, :details)"
                + " ON CONFLICT (dictionary, feature_index) DO UPDATE SET"
                + " activations = excluded.activations, density = excluded.density,"
                + " max_activation = excluded.max_activation,"
                + " mean_activation = excluded.mean_activation,"
                + " updated_micros = excluded.updated_micros, top_tokens = excluded.top_tokens,"
                + " details = excluded.details")) {
      for (Feature feature : sorted) {
        batch
            .bind("dictionary", dictionary)
            .bind("index", feature.id().index())
            .bind("activations", feature.statistics().activations())
            .bind("density", feature.statistics().density())
            .bind("maxActivation", feature.statistics().maxActivation())
            .bind("meanActivation", feature.statistics().meanActivation())
            .bind("updated", ChronoUnit.MICROS.between(Instant.EPOCH, now))
            .bind("topTokens", IndexedText.topTokens(feature.details()))
            .bind("details", DetailsCodec.encode(feature.details()))
            .add();
      }
      batch.execute();
    }
    Map<Long, Long> rows =
        rows(handle, dictionary, sorted.stream().map(f -> f.id().index()).toList());
    Map<Long, List<FeatureLabel>> labelled = new LinkedHashMap<>();
    Map<Long, FeatureId> ids = new HashMap<>();
    List<Dialect.ContentWords> words = new ArrayList<>(sorted.size());
    for (Feature feature : sorted) {
      long row = rows.get(feature.id().index());
      words.add(IndexedText.contentWords(row, feature.details()));
      if (!feature.labels().isEmpty()) {
        labelled.put(row, feature.labels());
        ids.put(row, feature.id());
      }
    }
    dialect.writeContentWords(handle, words);
    labels.upsert(handle, labelled, ids);
  }

  /** Rows by index, locked until the end of a write; those that are not stored are left out. */
  Map<Long, Long> rows(Handle handle, String dictionary, Collection<Long> indices) {
    Map<Long, Long> rows = new HashMap<>();
    for (List<Long> chunk : Chunks.of(indices)) {
      handle
          .createQuery(
              "SELECT id, feature_index FROM feature WHERE dictionary = :dictionary"
                  + " AND feature_index IN (<indices>) ORDER BY feature_index"
                  + dialect.lockSuffix())
          .bind("dictionary", dictionary)
          .bindList("indices", chunk)
          .map((rs, context) -> Map.entry(rs.getLong("feature_index"), rs.getLong("id")))
          .forEach(entry -> rows.put(entry.getKey(), entry.getValue()));
    }
    return rows;
  }

  Optional<Long> row(Handle handle, FeatureId id) {
    return Optional.ofNullable(rows(handle, id.dictionary(), List.of(id.index())).get(id.index()));
  }

  List<FeatureRow> read(
      Handle handle, String dictionary, Collection<Long> indices, FeatureView view) {
    List<FeatureRow> found = new ArrayList<>();
    long bytes = 0;
    for (List<Long> chunk : Chunks.of(indices)) {
      try (ResultIterator<FeatureRow> rows =
          handle
              .createQuery(
                  "SELECT "
                      + FeatureRow.columns(view)
                      + " FROM feature f WHERE f.dictionary = :dictionary"
                      + " AND f.feature_index IN (<indices>)")
              .bind("dictionary", dictionary)
              .bindList("indices", chunk)
              .setFetchSize(FETCH_SIZE)
              .map(FeatureRow.mapper(view))
              .iterator()) {
        while (rows.hasNext()) {
          FeatureRow row = rows.next();
          bytes += row.details().map(details -> details.length).orElse(0);
          if (bytes > FeatureRepository.MAX_ANSWER_BYTES) {
            throw new AnswerTooLargeException(FeatureRepository.MAX_ANSWER_BYTES);
          }
          found.add(row);
        }
      }
    }
    return found;
  }

  boolean delete(Handle handle, FeatureId id) {
    return handle
            .createUpdate(
                "DELETE FROM feature WHERE dictionary = :dictionary AND feature_index = :index")
            .bind("dictionary", id.dictionary())
            .bind("index", id.index())
            .execute()
        > 0;
  }

  long deleteAll(Handle handle, String dictionary) {
    return handle
        .createUpdate("DELETE FROM feature WHERE dictionary = :dictionary")
        .bind("dictionary", dictionary)
        .execute();
  }
}
