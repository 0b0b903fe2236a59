package dev.loupe.sae.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HookPointInfoTest {

  @ParameterizedTest
  @CsvSource({
    "hook_embed, true",
    "hook_pos_embed, true",
    "blocks.0.hook_resid_pre, true",
    "blocks.11.hook_resid_mid, true",
    "blocks.3.hook_resid_post, true",
    "blocks.3.hook_attn_out, true",
    "blocks.3.hook_mlp_out, true",
    // As wide as the residual stream, but only what reads them changes.
    "blocks.3.ln1.hook_normalized, false",
    "blocks.3.hook_mlp_in, false",
    "blocks.3.attn.hook_result, false",
    "ln_final.hook_normalized, false",
    "unembed.hook_in, false",
    "blocks.3.mlp.hook_post, false"
  })
  void saysWhatAddsToTheResidualStream(String name, boolean adds) {
    assertThat(new HookPointInfo(name, "d_model", 8).addsToResidual()).isEqualTo(adds);
  }
}
