package dev.loupe.features;

import dev.loupe.testkit.features.FeatureLabelContract;
import dev.loupe.testkit.features.FeatureListingContract;
import dev.loupe.testkit.features.FeatureRefusalContract;
import dev.loupe.testkit.features.FeatureSearchContract;
import dev.loupe.testkit.features.FeatureWritingContract;
import io.grpc.Channel;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** The feature store's contract on SQLite. */
class SqliteContractTest {
  @TempDir static Path folder;
  private static RunningStore store;

  @BeforeAll
  static void start() {
    store = new RunningStore("jdbc:sqlite:" + folder.resolve("new/folder/features.db"));
  }

  @AfterAll
  static void stop() {
    store.close();
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
