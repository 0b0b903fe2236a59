package dev.loupe.features;

import dev.loupe.testkit.features.FeatureLabelContract;
import dev.loupe.testkit.features.FeatureListingContract;
import dev.loupe.testkit.features.FeatureRefusalContract;
import dev.loupe.testkit.features.FeatureSearchContract;
import dev.loupe.testkit.features.FeatureWritingContract;
import io.grpc.Channel;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;

/** The feature store's contract on PostgreSQL. */
class PostgresContractTest {
  private static EmbeddedPostgres postgres;
  private static RunningStore store;

  @BeforeAll
  static void start() throws IOException {
    postgres = EmbeddedPostgres.start();
    store = new RunningStore(postgres.getJdbcUrl("postgres", "postgres"));
  }

  @AfterAll
  static void stop() throws IOException {
    store.close();
    postgres.close();
  }

  @Nested
  class Writing extends FeatureWritingContract {
    @Override
    protected Channel channel() {
      return store.channel();
    }
  }

  @Nested
  class Labels extends FeatureLabelContract {
    @Override
    protected Channel channel() {
      return store.channel();
    }
  }

  @Nested
  class Listing extends FeatureListingContract {
    @Override
    protected Channel channel() {
      return store.channel();
    }
  }

  @Nested
  class Search extends FeatureSearchContract {
    @Override
    protected Channel channel() {
      return store.channel();
    }
  }

  @Nested
  class Refusals extends FeatureRefusalContract {
    @Override
    protected Channel channel() {
      return store.channel();
    }
  }
}
