package dev.loupe.inference.model.hooks;

import static dev.loupe.inference.model.hooks.HookAxis.BATCH;
import static dev.loupe.inference.model.hooks.HookAxis.D_HEAD;
import static dev.loupe.inference.model.hooks.HookAxis.D_MLP;
import static dev.loupe.inference.model.hooks.HookAxis.D_MODEL;
import static dev.loupe.inference.model.hooks.HookAxis.D_VOCAB;
import static dev.loupe.inference.model.hooks.HookAxis.HEAD;
import static dev.loupe.inference.model.hooks.HookAxis.KEY;
import static dev.loupe.inference.model.hooks.HookAxis.POS;
import static dev.loupe.inference.model.hooks.HookAxis.QUERY;
import static dev.loupe.inference.model.hooks.HookAxis.SCALE;

import java.util.List;

/**
 * The places in a model where an activation can be read or replaced, in the order in which a pass
 * reaches them. Names, shapes and meaning are TransformerLens 3's; those that end in {@code
 * hook_in} are of its bridge.
 */
public enum HookKind {
  EMBED(Stage.START, "hook_embed", BATCH, POS, D_MODEL),
  POS_EMBED(Stage.START, "hook_pos_embed", BATCH, POS, D_MODEL),
  RESID_PRE(Stage.BLOCK, "hook_resid_pre", BATCH, POS, D_MODEL),
  /** The residual stream as each head reads it, before ln1; made only when asked for. */
  ATTN_IN(Stage.BLOCK, "hook_attn_in", BATCH, POS, HEAD, D_MODEL),
  Q_INPUT(Stage.BLOCK, "hook_q_input", BATCH, POS, HEAD, D_MODEL),
  K_INPUT(Stage.BLOCK, "hook_k_input", BATCH, POS, HEAD, D_MODEL),
  V_INPUT(Stage.BLOCK, "hook_v_input", BATCH, POS, HEAD, D_MODEL),
  /** The residual stream as ln1 reads it; the skip path keeps its own. */
  LN1_IN(Stage.BLOCK, "ln1.hook_in", BATCH, POS, D_MODEL),
  LN1_SCALE(Stage.BLOCK, "ln1.hook_scale", BATCH, POS, SCALE),
  /** Before ln1's weight and bias. */
  LN1_NORMALIZED(Stage.BLOCK, "ln1.hook_normalized", BATCH, POS, D_MODEL),
  /** After ln1's weight and bias: what queries, keys and values are computed from. */
  LN1_OUT(Stage.BLOCK, "attn.hook_in", BATCH, POS, D_MODEL),
  /** What queries alone are computed from, after ln1; likewise keys and values. */
  Q_IN(Stage.BLOCK, "attn.q.hook_in", BATCH, POS, D_MODEL),
  K_IN(Stage.BLOCK, "attn.k.hook_in", BATCH, POS, D_MODEL),
  V_IN(Stage.BLOCK, "attn.v.hook_in", BATCH, POS, D_MODEL),
  Q(Stage.BLOCK, "attn.hook_q", BATCH, POS, HEAD, D_HEAD),
  K(Stage.BLOCK, "attn.hook_k", BATCH, POS, HEAD, D_HEAD),
  V(Stage.BLOCK, "attn.hook_v", BATCH, POS, HEAD, D_HEAD),
  /** Scaled and masked (-inf where a key is hidden), before the softmax. */
  ATTN_SCORES(Stage.BLOCK, "attn.hook_attn_scores", BATCH, HEAD, QUERY, KEY),
  PATTERN(Stage.BLOCK, "attn.hook_pattern", BATCH, HEAD, QUERY, KEY),
  Z(Stage.BLOCK, "attn.hook_z", BATCH, POS, HEAD, D_HEAD),
  /** Each head's output without the bias; made only when asked for. */
  RESULT(Stage.BLOCK, "attn.hook_result", BATCH, POS, HEAD, D_MODEL),
  ATTN_OUT(Stage.BLOCK, "hook_attn_out", BATCH, POS, D_MODEL),
  RESID_MID(Stage.BLOCK, "hook_resid_mid", BATCH, POS, D_MODEL),
  /** The residual stream as the MLP reads it, before ln2; the skip path keeps its own. */
  MLP_IN(Stage.BLOCK, "hook_mlp_in", BATCH, POS, D_MODEL),
  LN2_SCALE(Stage.BLOCK, "ln2.hook_scale", BATCH, POS, SCALE),
  /** Before ln2's weight and bias. */
  LN2_NORMALIZED(Stage.BLOCK, "ln2.hook_normalized", BATCH, POS, D_MODEL),
  /** After ln2's weight and bias: what the MLP computes from, and transcoders read. */
  LN2_OUT(Stage.BLOCK, "mlp.hook_in", BATCH, POS, D_MODEL),
  MLP_PRE(Stage.BLOCK, "mlp.hook_pre", BATCH, POS, D_MLP),
  MLP_POST(Stage.BLOCK, "mlp.hook_post", BATCH, POS, D_MLP),
  MLP_OUT(Stage.BLOCK, "hook_mlp_out", BATCH, POS, D_MODEL),
  RESID_POST(Stage.BLOCK, "hook_resid_post", BATCH, POS, D_MODEL),
  LN_FINAL_SCALE(Stage.END, "ln_final.hook_scale", BATCH, POS, SCALE),
  /** Before ln_final's weight and bias. */
  LN_FINAL_NORMALIZED(Stage.END, "ln_final.hook_normalized", BATCH, POS, D_MODEL),
  /** After ln_final's weight and bias. */
  UNEMBED_IN(Stage.END, "unembed.hook_in", BATCH, POS, D_MODEL),
  /** The logits. */
  UNEMBED_OUT(Stage.END, "unembed.hook_out", BATCH, POS, D_VOCAB);

  /** Which part of the model a hook point lies in. */
  enum Stage {
    START,
    BLOCK,
    END
  }

  private final Stage stage;
  private final String localName;
  private final List<HookAxis> axes;

  HookKind(Stage stage, String localName, HookAxis... axes) {
    this.stage = stage;
    this.localName = localName;
    this.axes = List.of(axes);
  }

  Stage stage() {
    return stage;
  }

  /** True for the kinds that a pass reaches after its last block. */
  public boolean isAfterBlocks() {
    return stage == Stage.END;
  }

  /** True for what one head reads of the residual stream, made only when asked for. */
  public boolean isHeadInput() {
    return this == ATTN_IN || this == Q_INPUT || this == K_INPUT || this == V_INPUT;
  }

  /** True for ln1 and what queries, keys and values read of it, which no head has for itself. */
  public boolean isSharedHeadInput() {
    return switch (this) {
      case LN1_IN, LN1_SCALE, LN1_NORMALIZED, LN1_OUT, Q_IN, K_IN, V_IN -> true;
      default -> false;
    };
  }

  /** True for what queries, keys or values alone read after ln1. */
  public boolean isProjectionInput() {
    return this == Q_IN || this == K_IN || this == V_IN;
  }

  /** True for the kinds that are as wide as the residual stream for each head. */
  public boolean isPerHeadResidual() {
    return axes.contains(HEAD) && axes.contains(D_MODEL);
  }

  /** True for the kinds that every block has. */
  public boolean isPerLayer() {
    return stage == Stage.BLOCK;
  }

  /** The name without {@code blocks.N.}. */
  public String localName() {
    return localName;
  }

  /** The activation's dimensions, slowest first. */
  public List<HookAxis> axes() {
    return axes;
  }

  /** The dimension that position selectors count along. */
  public int positionAxis() {
    return axes.contains(QUERY) ? axes.indexOf(QUERY) : axes.indexOf(POS);
  }

  /** The dimension that head selectors count along, or -1. */
  public int headAxis() {
    return axes.indexOf(HEAD);
  }

  /**
   * True when the last axis is as long as the number of keys, so vectors along it make no sense.
   */
  public boolean isAttentionMap() {
    return axes.contains(KEY);
  }

  /** True for finite numbers, and at attention scores for -infinity, which hides a key. */
  public boolean mayHold(float value) {
    return Float.isFinite(value) || (this == ATTN_SCORES && value == Float.NEGATIVE_INFINITY);
  }
}
