package dev.loupe.inference.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.inference.TinyServer;
import dev.loupe.inference.captures.CacheSpace;
import dev.loupe.inference.hub.DownloadProgress;
import dev.loupe.inference.hub.HubSettings;
import dev.loupe.inference.hub.ModelHub;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which models serve, with models that are loaded. */
class ModelRegistryTest {
  private final WeightsBudget budget = new WeightsBudget(Long.MAX_VALUE);
  private final ModelRegistry registry = new ModelRegistry(id -> {});
  private final ModelOpener opener =
      new ModelOpener(
          new ModelHub(HubSettings.of(Map.of()), DownloadProgress.NONE), new CacheSpace(1 << 20));

  private ServedModel open(Path folder) {
    ModelSpec spec = new ModelSpec("tiny", new ModelSource.Folder(folder));
    return opener.open(spec, new Admission(spec, budget, true), LoadWatcher.NONE);
  }

  @Test
  void aModelIsFoundByTheNamesThatEverybodyKnowsItUnder(@TempDir Path parent) {
    ModelSpec spec =
        new ModelSpec("gpt2", new ModelSource.Folder(TinyServer.folder(parent.resolve("one"))));
    ServedModel model = opener.open(spec, new Admission(spec, budget, true), LoadWatcher.NONE);
    registry.add(model, () -> {});
    assertThat(registry.get("gpt2-small")).isSameAs(model);
    try (ModelLease lease = registry.lease("gpt2-small")) {
      assertThat(lease.model()).isSameAs(model);
    }
    assertThat(registry.find("gpt2-small")).isEmpty();
    for (String other : new String[] {"gpt2-medium", "unknown"}) {
      assertThatThrownBy(() -> registry.get(other)).hasMessageContaining("models/gpt2");
    }
    assertThatThrownBy(() -> registry.retire("gpt2-small")).hasMessageContaining("not loaded");
    assertThat(registry.close(Duration.ofSeconds(10))).isTrue();
  }

  /** Two loads of one model run at once when the first was given up before the second began. */
  @Test
  void theSameModelIsServedOnceAndAnotherOfItsNameIsRefused(@TempDir Path parent) {
    Path folder = TinyServer.folder(parent.resolve("one"));
    Path other = TinyServer.folder(parent.resolve("other"));
    ServedModel first = open(folder);
    try (ServedModel second = open(folder);
        ServedModel third = open(other)) {
      assertThat(registry.add(first, () -> {})).isSameAs(first);
      assertThat(registry.add(second, () -> {})).isSameAs(first);
      assertThatThrownBy(() -> registry.add(third, () -> {}))
          .isInstanceOfSatisfying(
              LoupeException.class,
              e -> assertThat(e.reason()).isEqualTo(ErrorReason.MODEL_EXISTS));
      assertThat(registry.all()).containsExactly(first);
    }
    assertThat(registry.close(Duration.ofSeconds(10))).isTrue();
  }
}
