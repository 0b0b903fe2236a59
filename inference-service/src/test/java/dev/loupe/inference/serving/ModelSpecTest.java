package dev.loupe.inference.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.inference.hub.HubException;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.inference.model.ComputeType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelSpecTest {
  @TempDir Path parent;

  private static ModelSpec parsed(String text) {
    return ModelSpec.parse(text);
  }

  private void isFolder(ModelSpec spec, String id, Path folder, ComputeType type) {
    assertThat(spec.id()).isEqualTo(id);
    assertThat(spec.source()).isEqualTo(new ModelSource.Folder(folder));
    assertThat(spec.form().computeType()).isEqualTo(type);
  }

  @Test
  void readsIdSourceAndForm() {
    ModelSpec spec = parsed("fast=gpt2#bf16+fold_ln");
    assertThat(spec.id()).isEqualTo("fast");
    assertThat(spec.source())
        .isEqualTo(new ModelSource.Repository("openai-community/gpt2", "main"));
    assertThat(spec.form().computeType()).isEqualTo(ComputeType.BF16);
    assertThat(spec.form().processing().foldLn()).isTrue();
    assertThat(parsed("gpt2-small").id()).isEqualTo("gpt2");
  }

  @Test
  void foldersMayHaveTheSignsInTheirNames() throws IOException {
    Path run = Files.createDirectory(parent.resolve("run#3"));
    isFolder(parsed(run.toString()), "run-3", run, ComputeType.F32);
    isFolder(parsed(run + "#bf16"), "run-3", run, ComputeType.BF16);
    isFolder(parsed("mine=" + run), "mine", run, ComputeType.F32);
    isFolder(parsed("mine=" + run + "#bf16"), "mine", run, ComputeType.BF16);
    Path rate = Files.createDirectory(parent.resolve("lr=0.1"));
    isFolder(parsed(rate.toString()), "lr-0-1", rate, ComputeType.F32);
    isFolder(parsed("a=" + rate + "#bf16"), "a", rate, ComputeType.BF16);
  }

  /** From the folder that they lie in, where the name begins with what could be an id. */
  @Test
  void relativeFoldersToo() throws IOException {
    Path rate = Files.createDirectory(Path.of("lr=0.1"));
    try {
      isFolder(parsed("lr=0.1"), "lr-0-1", rate.toAbsolutePath(), ComputeType.F32);
      isFolder(parsed("lr=0.1#bf16"), "lr-0-1", rate.toAbsolutePath(), ComputeType.BF16);
      isFolder(parsed("x=lr=0.1"), "x", rate.toAbsolutePath(), ComputeType.F32);
    } finally {
      Files.delete(rate);
    }
  }

  @Test
  void otherwiseTheSignsDivide() {
    assertThatThrownBy(() -> parsed("owner/name#3"))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("3");
    assertThatThrownBy(() -> parsed("nowhere#bf16")).hasMessageContaining("\"nowhere\"");
  }
}
