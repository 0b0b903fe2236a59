package dev.loupe.inference.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.inference.hub.ModelSource;
import dev.loupe.inference.model.ComputeType;
import dev.loupe.inference.processing.WeightProcessing;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelLoadTest {
  @TempDir Path folder;

  private ModelSpec spec() {
    return new ModelSpec("tiny", new ModelSource.Folder(folder));
  }

  @Test
  void aLoadEndsWhenTheLastWatcherIsGone() {
    ModelLoad load = new ModelLoad(spec());
    ModelLoad.Watch first = load.watch();
    ModelLoad.Watch second = load.watch();
    first.close();
    first.close();
    load.onStep("reading", 1, 2);
    second.close();
    assertThatThrownBy(() -> load.onStep("reading", 2, 2))
        .isInstanceOfSatisfying(
            LoupeException.class,
            e -> assertThat(e.reason()).isEqualTo(ErrorReason.CALL_CANCELLED));
  }

  @Test
  void whoeverJoinsALoadKeepsIt() throws Exception {
    for (int round = 0; round < 2_000; round++) {
      ModelLoad load = new ModelLoad(spec());
      ModelLoad.Watch leaving = load.watch();
      Thread leaver = new Thread(leaving::close);
      leaver.start();
      Optional<ModelLoad.Watch> joined = load.join();
      leaver.join();
      assertThat(load.isAbandoned()).isEqualTo(joined.isEmpty());
    }
  }

  @Test
  void everyWatcherSeesTheNewestProgressAndTheFailure() throws Exception {
    ModelLoad load = new ModelLoad(spec());
    try (ModelLoad.Watch one = load.watch();
        ModelLoad.Watch other = load.watch()) {
      load.onStep("reading", 1, 3);
      load.onStep("reading", 2, 3);
      ModelLoad.Progress newest = new ModelLoad.Progress("reading", 2, 3);
      assertThat(one.next(Duration.ZERO)).hasValue(newest);
      assertThat(one.next(Duration.ZERO)).isEmpty();
      assertThat(other.next(Duration.ZERO)).hasValue(newest);
      assertThat(one.model()).isEmpty();
      load.fail(new IllegalStateException("broken"));
      assertThat(other.next(Duration.ofMinutes(1))).isEmpty();
      assertThatThrownBy(one::model).hasMessage("broken");
      assertThatThrownBy(other::model).hasMessage("broken");
    }
  }

  @Test
  void formsAreReadFromTheCommandLine() {
    ModelSpec spec = ModelSpec.parse("processed=" + folder + "#bf16+all");
    assertThat(spec.id()).isEqualTo("processed");
    assertThat(spec.form()).isEqualTo(new ModelForm(ComputeType.BF16, WeightProcessing.ALL));
    assertThat(ModelSpec.parse("owner/name#fold_ln").form())
        .isEqualTo(new ModelForm(ComputeType.F32, WeightProcessing.parse("fold_ln")));
    assertThat(ModelSpec.parse("owner/name@v1").form()).isEqualTo(ModelForm.AS_STORED);
    assertThatThrownBy(() -> ModelSpec.parse("owner/name#fp8"))
        .hasMessageContaining("fp8")
        .hasMessageContaining("fold_ln");
  }
}
