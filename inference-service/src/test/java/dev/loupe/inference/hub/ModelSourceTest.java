package dev.loupe.inference.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelSourceTest {
  @TempDir Path folder;

  @Test
  void aFolderThatExistsWins() {
    assertThat(ModelSource.parse(folder.toString())).isEqualTo(new ModelSource.Folder(folder));
  }

  @Test
  void readsHubIds() {
    assertThat(ModelSource.parse("owner/GPT2.small"))
        .isEqualTo(new ModelSource.Repository("owner/GPT2.small", "main"))
        .extracting(ModelSource::modelId)
        .isEqualTo("gpt2-small");
    assertThat(ModelSource.parse("owner/name@refs/pr/1"))
        .isEqualTo(new ModelSource.Repository("owner/name", "refs/pr/1"));
    assertThat(new ModelSource.Folder(Path.of("7b")).modelId()).isEqualTo("model-7b");
  }

  @Test
  void readsTheShortNamesThatEverybodyUses() {
    for (String name : List.of("gpt2", "gpt2-small", "openai-community/gpt2")) {
      assertThat(ModelSource.parse(name))
          .isEqualTo(new ModelSource.Repository("openai-community/gpt2", "main"))
          .extracting(ModelSource::modelId)
          .isEqualTo("gpt2");
    }
    assertThat(ModelSource.parse("distilgpt2@v1"))
        .isEqualTo(new ModelSource.Repository("distilbert/distilgpt2", "v1"));
  }

  @Test
  void refusesAnythingElse() {
    for (String text :
        new String[] {"", "nowhere", "/no/such/folder", "a/b/c", "../x/y", "a/..b"}) {
      assertThatThrownBy(() -> ModelSource.parse(text))
          .isInstanceOf(HubException.class)
          .hasMessageContaining("neither a folder that exists nor a hub id");
    }
  }

  @Test
  void settingsComeFromTheEnvironment() throws Exception {
    Files.writeString(folder.resolve("token"), "from-file\n");
    HubSettings settings =
        HubSettings.of(Map.of("HF_HOME", folder.toString(), "HF_ENDPOINT", "http://hub.test/"));

    assertThat(settings.cache()).isEqualTo(folder.resolve("hub"));
    assertThat(settings.token()).hasValue("from-file");
    assertThat(settings.endpoint()).hasToString("http://hub.test");
    assertThat(settings.offline()).isFalse();
    assertThat(settings.toString()).doesNotContain("from-file");
    assertThat(HubSettings.of(Map.of("HF_TOKEN", "t", "HF_HUB_OFFLINE", "1")))
        .satisfies(s -> assertThat(s.token()).hasValue("t"))
        .satisfies(s -> assertThat(s.offline()).isTrue())
        .satisfies(s -> assertThat(s.endpoint()).hasToString("https://huggingface.co"));
    assertThatThrownBy(() -> HubSettings.of(Map.of("HF_ENDPOINT", "ftp://x")))
        .hasMessageContaining("HF_ENDPOINT");
  }
}
