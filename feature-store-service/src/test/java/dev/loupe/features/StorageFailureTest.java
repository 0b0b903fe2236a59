package dev.loupe.features;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.loupe.proto.features.v1.BatchUpsertFeaturesRequest;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureExample;
import dev.loupe.proto.features.v1.FeatureLabel;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc.FeatureStoreServiceBlockingStub;
import dev.loupe.proto.features.v1.GetFeatureRequest;
import dev.loupe.proto.features.v1.ListFeaturesRequest;
import dev.loupe.server.GrpcServer;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What callers see when the database fails, and that the service and what it stored outlive it. */
class StorageFailureTest {
  private static final String PARENT = "dictionaries/d";

  @TempDir Path folder;

  @Test
  void whatWasWrittenIsThereAfterARestart() {
    String url = "jdbc:sqlite:" + folder.resolve("features.db");
    Feature written;
    try (RunningStore store = new RunningStore(url)) {
      write(store, 1, 10);
      written = read(store, 1);
    }
    try (RunningStore store = new RunningStore(url)) {
      assertThat(read(store, 1)).isEqualTo(written);
    }
  }

  @Test
  void aReadOnlyFileCanBeReadButNotWritten() {
    String url = "jdbc:sqlite:" + folder.resolve("features.db");
    try (RunningStore store = new RunningStore(url)) {
      write(store, 1, 10);
    }
    // SQLite opens it as it opens a file without write permission, which root could write all the
    // same.
    try (RunningStore store =
        new RunningStore(url.replace("jdbc:sqlite:", "jdbc:sqlite:file:") + "?mode=ro")) {
      assertFails(ErrorReason.STORAGE_UNAVAILABLE, () -> write(store, 2, 10));
      assertFails(ErrorReason.STORAGE_UNAVAILABLE, () -> write(store, 1, 10));
      assertThat(read(store, 1).getName()).isEqualTo(name(1));
    }
    try (RunningStore store = new RunningStore(url)) {
      write(store, 2, 10);
      assertThat(read(store, 2).getName()).isEqualTo(name(2));
    }
  }

  @Test
  void aFullDatabaseRefusesWritesAndLosesNothing() {
    String url = "jdbc:sqlite:" + folder.resolve("features.db");
    // SQLite's answer to a full disk and to a full quota of pages is the same.
    int stored = 0;
    try (RunningStore store = new RunningStore(url + "?max_page_count=100")) {
      Throwable full = null;
      while (full == null) {
        int next = stored;
        full = catchThrowable(() -> write(store, next, 2_000));
        stored += full == null ? 1 : 0;
      }
      assertThat(LoupeErrors.reason(full)).contains(ErrorReason.STORAGE_FULL);
      assertThat(Status.fromThrowable(full).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
      assertThat(stored).isGreaterThan(1);
      assertThat(count(store)).isEqualTo(stored);
    }
    try (RunningStore store = new RunningStore(url)) {
      assertThat(count(store)).isEqualTo(stored);
      write(store, stored, 2_000);
      assertThat(count(store)).isEqualTo(stored + 1);
    }
  }

  @Test
  void aDamagedFileIsSaidToBeUnreadable() throws IOException {
    Path file = folder.resolve("features.db");
    try (RunningStore store = new RunningStore("jdbc:sqlite:" + file)) {
      for (int i = 0; i < 20; i++) {
        write(store, i, 2_000);
      }
    }
    try (RandomAccessFile damaged = new RandomAccessFile(file.toFile(), "rw")) {
      byte[] noise = new byte[(int) damaged.length() - 8_192];
      Arrays.fill(noise, (byte) 0x5a);
      damaged.seek(8_192);
      damaged.write(noise);
    }
    Throwable failure =
        catchThrowable(
            () -> {
              try (RunningStore store = new RunningStore("jdbc:sqlite:" + file)) {
                for (int i = 0; i < 20; i++) {
                  read(store, i);
                }
              }
            });
    assertThat(LoupeErrors.reason(failure)).contains(ErrorReason.STORAGE_UNAVAILABLE);
  }

  @Test
  void postgresGoesAndComesBack() throws IOException {
    Path data = Files.createDirectories(folder.resolve("postgres"));
    EmbeddedPostgres postgres = postgres(data, 0);
    int port = postgres.getPort();
    try (RunningStore store = new RunningStore(postgres.getJdbcUrl("postgres", "postgres"))) {
      write(store, 1, 10);
      Feature written = read(store, 1);
      awaitHealth(store, ServingStatus.SERVING);
      postgres.close();
      awaitHealth(store, ServingStatus.NOT_SERVING);
      assertThat(health(store, GrpcServer.LIVENESS)).isEqualTo(ServingStatus.SERVING);
      assertFails(ErrorReason.STORAGE_UNAVAILABLE, () -> write(store, 2, 10));
      assertFails(ErrorReason.STORAGE_UNAVAILABLE, () -> read(store, 1));
      postgres = postgres(data, port);
      // UNAVAILABLE asks callers to try again: the pool may still hand out connections to the old
      // process.
      retrying(() -> read(store, 1));
      assertThat(read(store, 1)).isEqualTo(written);
      retrying(() -> write(store, 2, 10));
      assertThat(count(store)).isEqualTo(2);
      awaitHealth(store, ServingStatus.SERVING);
    } finally {
      postgres.close();
    }
  }

  @Test
  void aDatabaseFileThatIsDeletedIsSaidByHealth() throws IOException {
    Path file = folder.resolve("features.db");
    try (RunningStore store = new RunningStore("jdbc:sqlite:" + file)) {
      write(store, 1, 10);
      awaitHealth(store, ServingStatus.SERVING);
      Path moved = Files.move(file, folder.resolve("moved.db"));
      awaitHealth(store, ServingStatus.NOT_SERVING);
      Files.move(moved, file);
      awaitHealth(store, ServingStatus.SERVING);
    }
  }

  /** Health is a stream, so that its next word can be waited for. */
  private static void awaitHealth(RunningStore store, ServingStatus expected) {
    HealthCheckRequest request =
        HealthCheckRequest.newBuilder().setService(FeatureStoreServiceGrpc.SERVICE_NAME).build();
    Iterator<HealthCheckResponse> words =
        HealthGrpc.newBlockingStub(store.channel())
            .withDeadlineAfter(60, TimeUnit.SECONDS)
            .watch(request);
    while (words.next().getStatus() != expected) {
      // The next one comes when it changes.
    }
    assertThat(health(store, "")).isEqualTo(expected);
  }

  private static ServingStatus health(RunningStore store, String service) {
    return HealthGrpc.newBlockingStub(store.channel())
        .check(HealthCheckRequest.newBuilder().setService(service).build())
        .getStatus();
  }

  private static EmbeddedPostgres postgres(Path data, int port) throws IOException {
    return EmbeddedPostgres.builder()
        .setDataDirectory(data)
        .setCleanDataDirectory(false)
        .setPort(port)
        .start();
  }

  private static void retrying(Runnable call) {
    for (int attempt = 1; ; attempt++) {
      try {
        call.run();
        return;
      } catch (StatusRuntimeException e) {
        assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(attempt).as("attempts").isLessThan(20);
      }
    }
  }

  private static void assertFails(ErrorReason reason, Runnable call) {
    Throwable failure = catchThrowable(call::run);
    assertThat(LoupeErrors.reason(failure)).as("%s", failure).contains(reason);
    assertThat(Status.fromThrowable(failure).getCode()).isEqualTo(reason.code());
  }

  private static void write(RunningStore store, long index, int words) {
    FeatureExample.Builder example = FeatureExample.newBuilder();
    Feature.Builder feature =
        Feature.newBuilder()
            .setName(name(index))
            .addLabels(
                FeatureLabel.newBuilder()
                    .setName(name(index) + "/labels/a")
                    .setText("label of " + index)
                    .setSource("test")
                    .setScore(0.5));
    for (int i = 0; i < words; i++) {
      example.addTokens(" word" + index + "x" + i).addValues(i);
      if (example.getTokensCount() == 200) {
        feature.addExamples(example);
        example.clear();
      }
    }
    stub(store)
        .batchUpsertFeatures(
            BatchUpsertFeaturesRequest.newBuilder().setParent(PARENT).addFeatures(feature).build());
  }

  private static Feature read(RunningStore store, long index) {
    return stub(store).getFeature(GetFeatureRequest.newBuilder().setName(name(index)).build());
  }

  private static int count(RunningStore store) {
    return stub(store)
        .listFeatures(ListFeaturesRequest.newBuilder().setParent(PARENT).setPageSize(1_000).build())
        .getFeaturesCount();
  }

  private static String name(long index) {
    return PARENT + "/features/" + index;
  }

  private static FeatureStoreServiceBlockingStub stub(RunningStore store) {
    return FeatureStoreServiceGrpc.newBlockingStub(store.channel())
        .withDeadlineAfter(60, TimeUnit.SECONDS);
  }
}
