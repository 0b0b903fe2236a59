package dev.loupe.features.storage;

import dev.loupe.features.domain.FeatureId;
import dev.loupe.features.domain.FeatureLabel;
import dev.loupe.features.domain.FeatureRepository;
import dev.loupe.features.domain.TooManyLabelsException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/** Labels of features, and what is kept in step with them: the best score and the words. */
final class LabelTable {
  private final Dialect dialect;

  LabelTable(Dialect dialect) {
    this.dialect = dialect;
  }

  /** Labels by row of their feature, best score first, ties by name. */
  Map<Long, List<FeatureLabel>> read(Handle handle, Collection<Long> rows) {
    Map<Long, List<FeatureLabel>> labels = new HashMap<>();
    for (List<Long> chunk : Chunks.of(rows)) {
      handle
          .createQuery(
              "SELECT feature_id, name, text, source, score FROM label WHERE feature_id IN (<rows>)"
                  + " ORDER BY feature_id, score DESC, name")
          .bindList("rows", chunk)
          .map(
              (rs, context) ->
                  Map.entry(
                      rs.getLong("feature_id"),
                      new FeatureLabel(
                          rs.getString("name"),
                          rs.getString("text"),
                          rs.getString("source"),
                          rs.getDouble("score"))))
          .forEach(
              entry ->
                  labels
                      .computeIfAbsent(entry.getKey(), r -> new ArrayList<>())
                      .add(entry.getValue()));
    }
    return labels;
  }

  /** Adds labels, or replaces those of the same name. */
  void upsert(Handle handle, Map<Long, List<FeatureLabel>> labels, Map<Long, FeatureId> ids) {
    try (PreparedBatch batch =
        handle.prepareBatch(
            "INSERT INTO label (feature_id, name, text, folded, source, score)"
                + " VALUES (:row, :name, :text, :folded, :source, :score)"
                + " ON CONFLICT (feature_id, name) DO UPDATE SET text = excluded.text,"
                + " folded = excluded.folded, source = excluded.source, score = excluded.score")) {
      labels.forEach(
          (row, list) ->
              list.forEach(
                  label ->
                      batch
                          .bind("row", row)
                          .bind("name", label.name())
                          .bind("text", label.text())
                          .bind("folded", IndexedText.comparable(label.text()))
                          .bind("source", label.source())
                          .bind("score", label.score())
                          .add()));
      if (batch.size() > 0) {
        batch.execute();
      }
    }
    refresh(handle, labels.keySet(), ids);
  }

  /** Deletes a label; false when there was none. */
  boolean delete(Handle handle, long row, FeatureId id, String name) {
    int deleted =
        handle
            .createUpdate("DELETE FROM label WHERE feature_id = :row AND name = :name")
            .bind("row", row)
            .bind("name", name)
            .execute();
    refresh(handle, List.of(row), Map.of(row, id));
    return deleted > 0;
  }

  private void refresh(Handle handle, Collection<Long> rows, Map<Long, FeatureId> ids) {
    if (rows.isEmpty()) {
      return;
    }
    Map<Long, List<FeatureLabel>> stored = read(handle, rows);
    List<Dialect.LabelWords> words = new ArrayList<>(rows.size());
    try (PreparedBatch batch =
        handle.prepareBatch("UPDATE feature SET label_score = :score WHERE id = :row")) {
      for (long row : rows) {
        List<FeatureLabel> labels = stored.getOrDefault(row, List.of());
        if (labels.size() > FeatureRepository.MAX_LABELS) {
          throw new TooManyLabelsException(
              ids.get(row), labels.size(), FeatureRepository.MAX_LABELS);
        }
        words.add(IndexedText.labelWords(row, labels));
        batch.bind("row", row).bind("score", labels.isEmpty() ? 0.0 : labels.get(0).score()).add();
      }
      batch.execute();
    }
    dialect.writeLabelWords(handle, words);
  }
}
