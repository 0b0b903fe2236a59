package dev.loupe.standalone.client;

import java.util.List;

/**
 * A place where a value can be read.
 *
 * @param name TransformerLens's
 * @param axes names of the value's axes, slowest first
 */
public record HookPointInfo(String name, List<String> axes) {
  /** The name of the fastest axis. */
  public String lastAxis() {
    return axes.get(axes.size() - 1);
  }
}
