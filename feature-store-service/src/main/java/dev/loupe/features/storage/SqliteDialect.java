package dev.loupe.features.storage;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.loupe.features.domain.StorageException;
import dev.loupe.features.domain.WordField;
import dev.loupe.server.files.DurableFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/** SQLite: one file, many readers, one writer, words in FTS5 tables. */
final class SqliteDialect implements Dialect {
  static final String URL_PREFIX = "jdbc:sqlite:";

  @Override
  public String migrations() {
    return "classpath:db/migration/sqlite";
  }

  @Override
  public Pools open(String jdbcUrl, int connections) {
    HikariDataSource writes =
        new HikariDataSource(pool(jdbcUrl, "feature-store-writes", 1, "IMMEDIATE"));
    try {
      return new Pools(
          new HikariDataSource(pool(jdbcUrl, "feature-store-reads", connections, "DEFERRED")),
          writes);
    } catch (RuntimeException e) {
      writes.close();
      throw e;
    }
  }

  /**
   * Makes the folder of the database file.
   *
   * @throws IllegalArgumentException if the URL names no file: connections would not see the same
   *     database
   */
  static void makeFolder(String jdbcUrl) {
    Path folder = file(jdbcUrl).getParent();
    try {
      if (folder != null) {
        DurableFiles.createFolders(folder);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public Optional<DatabaseFile> databaseFile(String jdbcUrl) {
    return Optional.of(DatabaseFile.of(file(jdbcUrl)));
  }

  private static Path file(String jdbcUrl) {
    String file = jdbcUrl.substring(URL_PREFIX.length()).replaceFirst("^file:", "");
    int options = file.indexOf('?');
    file = options < 0 ? file : file.substring(0, options);
    if (file.isBlank() || file.equals(":memory:") || jdbcUrl.contains("mode=memory")) {
      throw new IllegalArgumentException(
          "the database URL must name a file, as in jdbc:sqlite:features.db");
    }
    return Path.of(file).toAbsolutePath();
  }

  private static HikariConfig pool(String jdbcUrl, String name, int connections, String mode) {
    HikariConfig config = Database.pool(jdbcUrl, name, connections);
    config.addDataSourceProperty("journal_mode", "WAL");
    // In WAL mode anything less loses the last transactions when the power goes.
    config.addDataSourceProperty("synchronous", "FULL");
    config.addDataSourceProperty("foreign_keys", "true");
    config.addDataSourceProperty("busy_timeout", "10000");
    // A writer that begins by reading cannot wait for its turn to write any more.
    config.addDataSourceProperty("transaction_mode", mode);
    return config;
  }

  @Override
  public Optional<StorageException.Kind> kindOf(SQLException error) {
    // The low byte of an extended result code is the code itself: sqlite.org/rescode.html
    return switch (error.getErrorCode() & 0xff) {
      case 13 -> Optional.of(StorageException.Kind.FULL);
      // BUSY, LOCKED, NOMEM, READONLY, IOERR, CORRUPT, CANTOPEN, PROTOCOL, AUTH, NOTADB
      case 5, 6, 7, 8, 10, 11, 14, 15, 23, 26 -> Optional.of(StorageException.Kind.UNAVAILABLE);
      default -> Optional.empty();
    };
  }

  @Override
  public String lockSuffix() {
    return "";
  }

  @Override
  public String position(String column, String parameter) {
    return "instr(" + column + ", :" + parameter + ")";
  }

  @Override
  public String matches(WordField field, String parameter) {
    return field == WordField.LABEL ? in("label_words", parameter) : in("feature_words", parameter);
  }

  @Override
  public String matchesContent(String parameter) {
    return in("feature_words", parameter);
  }

  private static String in(String table, String parameter) {
    return "f.id IN (SELECT rowid FROM %1$s WHERE %1$s MATCH :%2$s)".formatted(table, parameter);
  }

  @Override
  public String term(WordField field, String word, boolean prefix) {
    return field.name().toLowerCase(Locale.ROOT) + " : \"" + word + "\"" + (prefix ? " *" : "");
  }

  @Override
  public String anyFieldTerm(String word) {
    return "\"" + word + "\" *";
  }

  @Override
  public void writeContentWords(Handle handle, List<ContentWords> words) {
    try (PreparedBatch batch =
        handle.prepareBatch(
            "INSERT OR REPLACE INTO feature_words (rowid, token, example)"
                + " VALUES (:row, :tokens, :examples)")) {
      for (ContentWords entry : words) {
        batch
            .bind("row", entry.row())
            .bind("tokens", String.join(" ", entry.tokens()))
            .bind("examples", String.join(" ", entry.examples()))
            .add();
      }
      batch.execute();
    }
  }

  @Override
  public void writeLabelWords(Handle handle, List<LabelWords> words) {
    try (PreparedBatch batch =
        handle.prepareBatch(
            "INSERT OR REPLACE INTO label_words (rowid, label) VALUES (:row, :labels)")) {
      for (LabelWords entry : words) {
        batch.bind("row", entry.row()).bind("labels", String.join(" ", entry.labels())).add();
      }
      batch.execute();
    }
  }
}
