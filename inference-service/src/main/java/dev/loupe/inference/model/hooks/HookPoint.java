package dev.loupe.inference.model.hooks;

/**
 * One place in one model where an activation can be read or replaced.
 *
 * @param kind what is read there
 * @param layer the block, from 0; -1 outside the blocks
 */
public record HookPoint(HookKind kind, int layer) implements Comparable<HookPoint> {

  /** Checks that the layer fits the kind. */
  public HookPoint {
    if (kind.isPerLayer() ? layer < 0 : layer != -1) {
      throw new IllegalArgumentException(kind + " with layer " + layer);
    }
  }

  /** A hook point inside a block. */
  public static HookPoint of(HookKind kind, int layer) {
    return new HookPoint(kind, layer);
  }

  /** A hook point outside the blocks. */
  public static HookPoint of(HookKind kind) {
    return new HookPoint(kind, -1);
  }

  /** TransformerLens's name, for example {@code blocks.3.attn.hook_z}. */
  public String name() {
    return kind.isPerLayer() ? "blocks." + layer + "." + kind.localName() : kind.localName();
  }

  /** Orders hook points as a pass reaches them. */
  @Override
  public int compareTo(HookPoint other) {
    int byStage = kind.stage().compareTo(other.kind.stage());
    if (byStage != 0) {
      return byStage;
    }
    int byLayer = Integer.compare(layer, other.layer);
    return byLayer != 0 ? byLayer : kind.compareTo(other.kind);
  }

  @Override
  public String toString() {
    return name();
  }
}
