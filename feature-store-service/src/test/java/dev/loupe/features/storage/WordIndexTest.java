package dev.loupe.features.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.features.domain.Condition;
import dev.loupe.features.domain.FeatureMatches;
import dev.loupe.features.domain.FeatureOrder;
import dev.loupe.features.domain.FeatureQuery;
import dev.loupe.features.domain.FeatureSearch;
import dev.loupe.features.domain.FeatureView;
import dev.loupe.features.domain.StoredFeature;
import dev.loupe.features.domain.Words;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.flywaydb.core.Flyway;
import org.jdbi.v3.core.Jdbi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Databases that were written by the first rules for words are searched by today's. */
class WordIndexTest {
  private static final String LABEL = "Caf\u00e9s \u5317\u4eac";
  @TempDir Path folder;

  @Test
  void makesTheWordsOfAnOldSqliteDatabaseAnew() {
    String url = "jdbc:sqlite:" + folder.resolve("old.db");
    writeAsTheFirstVersion(url, "classpath:db/migration/sqlite");
    findsWhatIsThere(url);
  }

  @Test
  void makesTheWordsOfAnOldPostgresDatabaseAnew() throws IOException {
    try (EmbeddedPostgres postgres = EmbeddedPostgres.start()) {
      String url = postgres.getJdbcUrl("postgres", "postgres");
      writeAsTheFirstVersion(url, "classpath:db/migration/postgresql");
      findsWhatIsThere(url);
    }
  }

  /** More rows than are read at once; their words are left empty, as no old rule would do worse. */
  private static void writeAsTheFirstVersion(String url, String migrations) {
    Flyway.configure().dataSource(url, null, null).locations(migrations).load().migrate();
    byte[] details = HexFormat.of().parseHex(DetailsCodecTest.FIRST_VERSION);
    Jdbi.create(url)
        .useTransaction(
            handle -> {
              for (int i = 0; i < 450; i++) {
                handle.execute(
                    "INSERT INTO feature (dictionary, feature_index, activations, density,"
                        + " max_activation, mean_activation, updated_micros, top_tokens, details)"
                        + " VALUES ('d', ?, 10, 0.5, 1, 1, 0, '', ?)",
                    i,
                    details);
              }
              handle.execute(
                  "INSERT INTO label SELECT id, 'a', ?, ?, 'person:ada', 0.5 FROM feature"
                      + " WHERE feature_index = 449",
                  LABEL,
                  LABEL);
            });
  }

  private static void findsWhatIsThere(String url) {
    try (Database database = Database.open(url, 2)) {
      SqlFeatureRepository repository = new SqlFeatureRepository(database, Clock.systemUTC());
      FeatureMatches inLabels = search(repository, "CAFES \u5317\u4eac");
      assertThat(inLabels.matches())
          .extracting(match -> match.feature().id().index())
          .containsExactly(449L);
      assertThat(search(repository, "cafe").more()).isTrue();
      assertThat(search(repository, "bar").matches()).hasSize(10);
      assertThat(list(repository, new Condition.LabelContains("cafes"))).hasSize(1);
      assertThat(list(repository, new Condition.TokenContains("BAR"))).hasSize(10);
      StoredFeature old = list(repository, new Condition.LabelContains("cafes")).get(0);
      assertThat(old.full().orElseThrow().details().examples().get(0).tokens())
          .containsExactly("Caf", "\u00e9");
    }
    // A second time there is nothing left to do.
    Database.open(url, 2).close();
  }

  private static FeatureMatches search(SqlFeatureRepository repository, String query) {
    return repository.search(
        new FeatureSearch(Optional.of("d"), List.copyOf(Words.asked(query)), 10, Optional.empty()));
  }

  private static List<StoredFeature> list(SqlFeatureRepository repository, Condition condition) {
    return repository
        .list(
            new FeatureQuery(
                "d",
                List.of(condition),
                FeatureOrder.BY_INDEX,
                FeatureView.FULL,
                10,
                Optional.empty()))
        .features();
  }
}
