package dev.loupe.features.storage;

import dev.loupe.features.domain.FeatureDetails;
import dev.loupe.features.domain.FeatureLabel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.flywaydb.core.api.MigrationVersion;
import org.flywaydb.core.api.migration.Context;
import org.flywaydb.core.api.migration.JavaMigration;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.PreparedBatch;

/**
 * Makes the stored words of all features anew when the rules by which words are split and folded
 * have changed: a search by the new rules would not find what was stored by the old ones. Flyway
 * runs it after the schema's own migrations whenever {@link #RULES} is another number than the last
 * time.
 */
final class WordIndex implements JavaMigration {
  /** Counts the rules: raise it with every change of what words a text has, or of folding. */
  static final int RULES = 2;

  private static final int ROWS_AT_ONCE = 200;

  private final Dialect dialect;
  private final LabelTable labels;

  WordIndex(Dialect dialect) {
    this.dialect = dialect;
    this.labels = new LabelTable(dialect);
  }

  @Override
  public MigrationVersion getVersion() {
    return null;
  }

  @Override
  public String getDescription() {
    return "words";
  }

  @Override
  public Integer getChecksum() {
    return RULES;
  }

  @Override
  public boolean canExecuteInTransaction() {
    return true;
  }

  @Override
  public void migrate(Context context) {
    try (Handle handle = Jdbi.create(context.getConnection()).open()) {
      long last = Long.MIN_VALUE;
      TreeMap<Long, FeatureDetails> rows = next(handle, last);
      while (!rows.isEmpty()) {
        writeContent(handle, rows);
        writeLabels(handle, labels.read(handle, rows.keySet()));
        last = rows.lastKey();
        rows = next(handle, last);
      }
    }
  }

  private static TreeMap<Long, FeatureDetails> next(Handle handle, long last) {
    TreeMap<Long, FeatureDetails> rows = new TreeMap<>();
    handle
        .createQuery("SELECT id, details FROM feature WHERE id > :last ORDER BY id LIMIT :limit")
        .bind("last", last)
        .bind("limit", ROWS_AT_ONCE)
        .map(
            (rs, context) ->
                Map.entry(rs.getLong("id"), DetailsCodec.decode(rs.getBytes("details"))))
        .forEach(entry -> rows.put(entry.getKey(), entry.getValue()));
    return rows;
  }

  private void writeContent(Handle handle, Map<Long, FeatureDetails> rows) {
    List<Dialect.ContentWords> words = new ArrayList<>(rows.size());
    try (PreparedBatch batch =
        handle.prepareBatch("UPDATE feature SET top_tokens = :topTokens WHERE id = :row")) {
      rows.forEach(
          (row, details) -> {
            batch.bind("row", row).bind("topTokens", IndexedText.topTokens(details)).add();
            words.add(IndexedText.contentWords(row, details));
          });
      batch.execute();
    }
    dialect.writeContentWords(handle, words);
  }

  private void writeLabels(Handle handle, Map<Long, List<FeatureLabel>> byRow) {
    if (byRow.isEmpty()) {
      return;
    }
    List<Dialect.LabelWords> words = new ArrayList<>(byRow.size());
    try (PreparedBatch batch =
        handle.prepareBatch(
            "UPDATE label SET folded = :folded WHERE feature_id = :row AND name = :name")) {
      byRow.forEach(
          (row, list) -> {
            list.forEach(
                label ->
                    batch
                        .bind("row", row)
                        .bind("name", label.name())
                        .bind("folded", IndexedText.comparable(label.text()))
                        .add());
            words.add(IndexedText.labelWords(row, list));
          });
      batch.execute();
    }
    dialect.writeLabelWords(handle, words);
  }
}
