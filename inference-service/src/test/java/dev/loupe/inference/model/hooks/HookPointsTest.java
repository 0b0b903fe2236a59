package dev.loupe.inference.model.hooks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.inference.model.GptConfig;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HookPointsTest {
  private final HookPoints points = new HookPoints(GptConfig.gpt2(3, 4, 32, 48, 211, 210));

  @Test
  void listsEveryPointInTheOrderOfAPass() {
    assertThat(points.all()).hasSize(2 + 3 * 29 + 4).isSorted();
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

  @ParameterizedTest
  @CsvSource({
    "k2, blocks.2.attn.hook_k",
    "key2, blocks.2.attn.hook_k",
    "k2a, blocks.2.attn.hook_k",
    "q0, blocks.0.attn.hook_q",
    "query0, blocks.0.attn.hook_q",
    "value1, blocks.1.attn.hook_v",
    "resid_pre1, blocks.1.hook_resid_pre",
    "resid_mid0, blocks.0.hook_resid_mid",
    "attn1, blocks.1.attn.hook_pattern",
    "pattern1, blocks.1.attn.hook_pattern",
    "attn_scores2, blocks.2.attn.hook_attn_scores",
    "attn_logits2, blocks.2.attn.hook_attn_scores",
    "pre2, blocks.2.mlp.hook_pre",
    "mlp_pre2, blocks.2.mlp.hook_pre",
    "pre2m, blocks.2.mlp.hook_pre",
    "post2mlp, blocks.2.mlp.hook_post",
    "mlp_post2, blocks.2.mlp.hook_post",
    "z1, blocks.1.attn.hook_z",
    "result0, blocks.0.attn.hook_result",
    "attn_out1, blocks.1.hook_attn_out",
    "mlp_out1, blocks.1.hook_mlp_out",
    "mlp_in1, blocks.1.hook_mlp_in",
    "scale1ln1, blocks.1.ln1.hook_scale",
    "normalized2ln2, blocks.2.ln2.hook_normalized",
    "scale, ln_final.hook_scale",
    "normalized, ln_final.hook_normalized",
    "embed, hook_embed",
    "pos_embed, hook_pos_embed",
    "embed.hook_out, hook_embed",
    "pos_embed.hook_out, hook_pos_embed",
    "blocks.1.hook_in, blocks.1.hook_resid_pre",
    "blocks.1.hook_out, blocks.1.hook_resid_post",
    "blocks.0.attn.q.hook_out, blocks.0.attn.hook_q",
    "blocks.0.attn.o.hook_in, blocks.0.attn.hook_z",
    "blocks.0.attn.o.hook_out, blocks.0.hook_attn_out",
    "blocks.0.attn.hook_hidden_states, blocks.0.hook_attn_out",
    "blocks.0.attn.hook_out, blocks.0.hook_attn_out",
    "blocks.2.mlp.in.hook_out, blocks.2.mlp.hook_pre",
    "blocks.2.mlp.out.hook_in, blocks.2.mlp.hook_post",
    "blocks.2.mlp.hook_out, blocks.2.hook_mlp_out",
    "blocks.2.ln2.hook_in, blocks.2.hook_mlp_in",
    "blocks.1.ln2.hook_scale, blocks.1.ln2.hook_scale",
    "blocks.1.ln1.hook_out, blocks.1.attn.hook_in",
    "blocks.1.ln2.hook_out, blocks.1.mlp.hook_in",
    "blocks.1.mlp.in.hook_in, blocks.1.mlp.hook_in",
    "ln_final.hook_in, blocks.2.hook_resid_post",
    "ln_final.hook_out, unembed.hook_in",
  })
  void otherNamesMeanTheSamePoint(String alias, String name) {
    assertThat(points.named(alias).name()).isEqualTo(name);
  }

  @Test
  void noNameMeansTwoPoints() {
    List<String> names = new ArrayList<>();
    for (HookPoint point : points.all()) {
      names.add(point.name());
      names.addAll(points.aliases(point));
      assertThat(points.aliases(point))
          .allSatisfy(alias -> assertThat(points.named(alias)).isEqualTo(point));
    }
    assertThat(names).doesNotHaveDuplicates();
  }

  @Test
  void patternsFitAliasesToo() {
    assertThat(points.matching("blocks.*.attn.q.hook_out"))
        .extracting(HookPoint::name)
        .containsExactly("blocks.0.attn.hook_q", "blocks.1.attn.hook_q", "blocks.2.attn.hook_q");
    assertThat(points.matching("resid_pre*")).hasSize(3);
    assertThat(points.matching("*")).isEqualTo(points.all());
    assertThat(points.matching("z1")).containsExactly(HookPoint.of(HookKind.Z, 1));
    assertThatThrownBy(() -> points.matching("blocks.7.*"))
        .isInstanceOf(UnknownHookPointException.class);
  }

  @Test
  void integersAreNoActivations() {
    for (String name : new String[] {"hook_tokens", "embed.hook_in"}) {
      assertThatThrownBy(() -> points.named(name))
          .isInstanceOf(UnknownHookPointException.class)
          .hasMessageContaining(name)
          .hasMessageContaining("Tokenize")
          .hasMessageContaining("hook_embed");
    }
  }
}
