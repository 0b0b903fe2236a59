package dev.loupe.features.storage;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.loupe.features.domain.StorageException;
import dev.loupe.features.domain.WordField;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/**
 * PostgreSQL: words in tsvector columns, where weights tell labels (A), tokens (B) and examples (D)
 * apart.
 */
final class PostgresDialect implements Dialect {
  static final String URL_PREFIX = "jdbc:postgresql:";

  @Override
  public String migrations() {
    return "classpath:db/migration/postgresql";
  }

  @Override
  public Pools open(String jdbcUrl, int connections) {
    // Flyway holds two connections while it migrates.
    HikariDataSource writes =
        new HikariDataSource(pool(jdbcUrl, "feature-store-writes", Math.max(2, connections / 2)));
    try {
      HikariConfig reads = pool(jdbcUrl, "feature-store-reads", connections);
      reads.setReadOnly(true);
      reads.setTransactionIsolation("TRANSACTION_REPEATABLE_READ");
      return new Pools(new HikariDataSource(reads), writes);
    } catch (RuntimeException e) {
      writes.close();
      throw e;
    }
  }

  @Override
  public Optional<DatabaseFile> databaseFile(String jdbcUrl) {
    return Optional.empty();
  }

  private static HikariConfig pool(String jdbcUrl, String name, int connections) {
    HikariConfig config = Database.pool(jdbcUrl, name, connections);
    config.addDataSourceProperty("connectTimeout", "5");
    config.addDataSourceProperty("socketTimeout", "60");
    config.addDataSourceProperty("ApplicationName", "loupe-feature-store");
    return config;
  }

  @Override
  public Optional<StorageException.Kind> kindOf(SQLException error) {
    String state = error.getSQLState() == null ? "" : error.getSQLState();
    if (state.equals("53100")) {
      return Optional.of(StorageException.Kind.FULL);
    }
    // Connection, authorization, read-only, rollback, resources, locks, operator intervention,
    // system: appendix A.
    for (String start : List.of("08", "28", "3D000", "25006", "40", "53", "55P03", "57", "58")) {
      if (state.startsWith(start)) {
        return Optional.of(StorageException.Kind.UNAVAILABLE);
      }
    }
    return Optional.empty();
  }

  @Override
  public String lockSuffix() {
    return " FOR UPDATE";
  }

  @Override
  public String position(String column, String parameter) {
    return "strpos(" + column + ", :" + parameter + ")";
  }

  @Override
  public String matches(WordField field, String parameter) {
    return matches(field == WordField.LABEL ? "label_words" : "feature_words", parameter);
  }

  @Override
  public String matchesContent(String parameter) {
    return matches("feature_words", parameter);
  }

  private static String matches(String column, String parameter) {
    return "f." + column + " @@ CAST(:" + parameter + " AS tsquery)";
  }

  @Override
  public String term(WordField field, String word, boolean prefix) {
    return "'" + word + "':" + (prefix ? "*" : "") + weight(field);
  }

  @Override
  public String anyFieldTerm(String word) {
    return "'" + word + "':*";
  }

  private static char weight(WordField field) {
    return switch (field) {
      case LABEL -> 'A';
      case TOKEN -> 'B';
      case EXAMPLE -> 'D';
    };
  }

  @Override
  public void writeContentWords(Handle handle, List<ContentWords> words) {
    try (PreparedBatch batch =
        handle.prepareBatch(
            "UPDATE feature SET feature_words = CAST(:words AS tsvector) WHERE id = :row")) {
      for (ContentWords entry : words) {
        TreeMap<String, String> positions = new TreeMap<>();
        put(positions, entry.tokens(), "1B");
        put(positions, entry.examples(), "2D");
        batch.bind("row", entry.row()).bind("words", tsvector(positions)).add();
      }
      batch.execute();
    }
  }

  @Override
  public void writeLabelWords(Handle handle, List<LabelWords> words) {
    try (PreparedBatch batch =
        handle.prepareBatch(
            "UPDATE feature SET label_words = CAST(:words AS tsvector) WHERE id = :row")) {
      for (LabelWords entry : words) {
        TreeMap<String, String> positions = new TreeMap<>();
        put(positions, entry.labels(), "1A");
        batch.bind("row", entry.row()).bind("words", tsvector(positions)).add();
      }
      batch.execute();
    }
  }

  private static void put(TreeMap<String, String> positions, Set<String> words, String position) {
    for (String word : words) {
      positions.merge(word, position, (first, second) -> first + "," + second);
    }
  }

  /**
   * The text form of a tsvector. Words hold letters, digits and marks only, so nothing in them
   * needs escaping.
   */
  private static String tsvector(TreeMap<String, String> positions) {
    StringBuilder text = new StringBuilder();
    positions.forEach(
        (word, at) -> text.append('\'').append(word).append("':").append(at).append(' '));
    return text.toString();
  }
}
