package dev.loupe.sae.corpus;

import java.util.regex.Pattern;

/**
 * A hook point as dictionaries see it.
 *
 * @param name TransformerLens's name
 * @param lastAxis name of its last axis, such as "d_model"
 * @param width elements at each position, over all axes after batch and position
 */
public record HookPointInfo(String name, String lastAxis, int width) {
  private static final Pattern RESIDUAL =
      Pattern.compile(
          "hook_embed|hook_pos_embed"
              + "|blocks\\.\\d+\\.hook_(resid_pre|resid_mid|resid_post|attn_out|mlp_out)");

  /**
   * Whether what is added here is added to the residual stream too, so that it reaches the logits
   * by the final layer norm and the unembedding alone.
   */
  public boolean addsToResidual() {
    return RESIDUAL.matcher(name).matches();
  }
}
