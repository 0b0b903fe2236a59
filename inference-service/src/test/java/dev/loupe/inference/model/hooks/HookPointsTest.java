package dev.loupe.inference.model.hooks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.inference.model.GptConfig;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;

class HookPointsTest {
  private final HookPoints points = new HookPoints(GptConfig.gpt2(3, 4, 32, 48, 211, 210));

  @Test
  void listsEveryPointInTheOrderOfAPass() {
    assertThat(points.all()).hasSize(2 + 3 * 25 + 4).isSorted();
    assertThat(points.all())
        .extracting(HookPoint::name)
        .startsWith("hook_embed", "hook_pos_embed", "blocks.0.hook_resid_pre")
        .endsWith("unembed.hook_in", "unembed.hook_out")
        .doesNotHaveDuplicates();
    assertThat(points.named("blocks.2.attn.hook_z").kind()).isEqualTo(HookKind.Z);
  }

  @Test
  void axesTellTheShape() {
    GptConfig config = GptConfig.gpt2(3, 4, 32, 48, 211, 210);
    HookKind pattern = points.named("blocks.1.attn.hook_pattern").kind();
    assertThat(pattern.axes())
        .extracting(HookAxis::label)
        .containsExactly("batch", "head", "query", "key");
    assertThat(HookKind.RESULT.axes())
        .extracting(axis -> axis.size(config))
        .containsExactly(0, 0, 4, 32);
    assertThat(HookKind.LN1_SCALE.axes()).extracting(axis -> axis.size(config)).endsWith(1);
  }

  @Test
  void unknownNamesComeWithTheNearest() {
    assertThatThrownBy(() -> points.named("blocks.1.attn.hook_patern"))
        .isInstanceOf(UnknownHookPointException.class)
        .hasMessageContaining("'blocks.1.attn.hook_patern'")
        .asInstanceOf(InstanceOfAssertFactories.type(UnknownHookPointException.class))
        .satisfies(
            e -> assertThat(e.nearest()).hasSize(3).startsWith("blocks.1.attn.hook_pattern"));
    assertThatThrownBy(() -> points.named("blocks.3.hook_resid_pre"))
        .isInstanceOf(UnknownHookPointException.class);
    assertThatThrownBy(() -> points.named("x".repeat(1_000_000)))
        .isInstanceOf(UnknownHookPointException.class);
  }
}
