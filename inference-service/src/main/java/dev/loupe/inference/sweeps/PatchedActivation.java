package dev.loupe.inference.sweeps;

import dev.loupe.inference.model.hooks.HookKind;

/** What a cell of a sweep takes from the other run. */
public enum PatchedActivation {
  RESID_PRE(HookKind.RESID_PRE, false),
  RESID_MID(HookKind.RESID_MID, false),
  ATTN_OUT(HookKind.ATTN_OUT, false),
  MLP_OUT(HookKind.MLP_OUT, false),
  RESID_POST(HookKind.RESID_POST, false),
  Q(HookKind.Q, true),
  K(HookKind.K, true),
  V(HookKind.V, true),
  Z(HookKind.Z, true),
  /** Rows of the attention pattern; a position is the destination, the query. */
  PATTERN(HookKind.PATTERN, true);

  private final HookKind kind;
  private final boolean perHead;

  PatchedActivation(HookKind kind, boolean perHead) {
    this.kind = kind;
    this.perHead = perHead;
  }

  /** The hook point's kind. */
  public HookKind kind() {
    return kind;
  }

  /** True when it has a value for each head. */
  public boolean isPerHead() {
    return perHead;
  }

  /** True when a patch is known only by what it does to the residual stream after the MLP. */
  boolean isAfterMlp() {
    return this == RESID_MID || this == RESID_POST || this == MLP_OUT;
  }

  /** True when a patch at one position changes what later positions read at the same layer. */
  boolean isReadByLater() {
    return this == K || this == V;
  }
}
