package dev.loupe.inference.model;

import dev.loupe.inference.model.hooks.HookProgram;

/**
 * How a pass is run.
 *
 * @param program what happens at the hook points
 * @param logits for which positions logits are made
 * @param cache keys and values of the rows' earlier tokens, extended by this pass; null for none
 * @param control looked at between layers
 */
public record ForwardOptions(
    HookProgram program, LogitsMode logits, KvCache cache, PassControl control) {

  /** Logits everywhere and nothing else. */
  public static ForwardOptions plain() {
    return new ForwardOptions(HookProgram.none(), LogitsMode.ALL, null, PassControl.NONE);
  }

  /** The same with a program. */
  public ForwardOptions with(HookProgram newProgram) {
    return new ForwardOptions(newProgram, logits, cache, control);
  }

  /** The same with logits elsewhere. */
  public ForwardOptions with(LogitsMode newLogits) {
    return new ForwardOptions(program, newLogits, cache, control);
  }

  /** The same with a cache. */
  public ForwardOptions with(KvCache newCache) {
    return new ForwardOptions(program, logits, newCache, control);
  }

  /** The same under a control. */
  public ForwardOptions with(PassControl newControl) {
    return new ForwardOptions(program, logits, cache, newControl);
  }
}
