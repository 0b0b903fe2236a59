package dev.loupe.features.storage;

import dev.loupe.features.domain.StorageException;
import dev.loupe.features.domain.WordField;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/** Where SQLite and PostgreSQL differ. */
sealed interface Dialect permits SqliteDialect, PostgresDialect {

  /** The dialect of a JDBC URL. */
  static Dialect of(String jdbcUrl) {
    if (jdbcUrl.startsWith(SqliteDialect.URL_PREFIX)) {
      return new SqliteDialect();
    }
    if (jdbcUrl.startsWith(PostgresDialect.URL_PREFIX)) {
      return new PostgresDialect();
    }
    throw new IllegalArgumentException(
        "the database URL must start with "
            + SqliteDialect.URL_PREFIX
            + " or "
            + PostgresDialect.URL_PREFIX);
  }

  /** Folder of the migrations, on the class path. */
  String migrations();

  /** Opens the pools. */
  Pools open(String jdbcUrl, int connections);

  /** The file that is the database, once it is open; empty when it is not one of this machine. */
  Optional<DatabaseFile> databaseFile(String jdbcUrl);

  /**
   * What is wrong with the database when it gave this error; empty when the statement was wrong.
   */
  Optional<StorageException.Kind> kindOf(SQLException error);

  /** Ends a SELECT of rows that this transaction goes on to change. */
  String lockSuffix();

  /** An expression that is above 0 where a column contains the text of a parameter. */
  String position(String column, String parameter);

  /** A condition on `feature f` that holds where the term of a parameter occurs. */
  String matches(WordField field, String parameter);

  /**
   * A condition on `feature f` that holds where the term of a parameter occurs in a token or an
   * example.
   */
  String matchesContent(String parameter);

  /** What a parameter of {@link #matches} must be to find a word in a field. */
  String term(WordField field, String word, boolean prefix);

  /** What a parameter must be to find words that start so in any field. */
  String anyFieldTerm(String word);

  /** Replaces the words of features' tokens and examples. */
  void writeContentWords(Handle handle, List<ContentWords> words);

  /** Replaces the words of features' labels. */
  void writeLabelWords(Handle handle, List<LabelWords> words);

  /**
   * Words of a feature's tokens and examples.
   *
   * @param row the feature's row
   * @param tokens words of its top tokens
   * @param examples words of its examples
   */
  record ContentWords(long row, Set<String> tokens, Set<String> examples) {}

  /**
   * Words of a feature's labels.
   *
   * @param row the feature's row
   * @param labels words of all its labels
   */
  record LabelWords(long row, Set<String> labels) {}
}
