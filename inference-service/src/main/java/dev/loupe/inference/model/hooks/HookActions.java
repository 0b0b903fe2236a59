package dev.loupe.inference.model.hooks;

import java.util.ArrayList;
import java.util.List;

/** What a program does at one hook point. */
final class HookActions {
  final HookPoint point;
  final List<CompiledEdit> edits = new ArrayList<>();
  final List<LiveHook> liveHooks = new ArrayList<>();
  boolean captured;

  HookActions(HookPoint point) {
    this.point = point;
  }

  boolean changes() {
    return !edits.isEmpty() || !liveHooks.isEmpty();
  }
}
