package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Several programs in one pass, each over a block of rows. A program works on a copy of its own
 * part of a value, so whatever it does or keeps, the others' parts stay as they are; what it edits
 * is written back.
 */
final class SharedRun implements HookRun {
  private final List<Part> parts = new ArrayList<>();

  private record Part(ProgramRun run, int fromRow, int toRow, int columns) {

    /** Where the part lies in a value of this kind. */
    NDIndex index(HookKind kind) {
      NDIndex index = new NDIndex("{}:{}", fromRow, toRow);
      return kind.isAttentionMap()
          ? index.addIndices(":, 0:{}, 0:{}", columns, columns)
          : index.addIndices("0:{}", columns);
    }
  }

  SharedRun(List<HookProgram> programs, List<PassRows> rows) {
    int from = 0;
    for (int i = 0; i < programs.size(); i++) {
      PassRows own = rows.get(i);
      int to = from + own.rows();
      parts.add(new Part(new ProgramRun(programs.get(i), own), from, to, own.columns()));
      from = to;
    }
  }

  @Override
  public NDArray at(HookKind kind, int layer, NDArray value) {
    NDArray result = value;
    for (Part part : parts) {
      if (!part.run().isUsed(kind, layer)) {
        continue;
      }
      NDArray own;
      try (NDArray view = value.get(part.index(kind))) {
        own = view.duplicate();
      }
      NDArray edited = part.run().at(kind, layer, own);
      if (part.run().isEdited(kind, layer)) {
        result = result == value ? value.duplicate() : result;
        result.set(part.index(kind), edited);
      }
    }
    return result;
  }

  @Override
  public boolean isUsed(HookKind kind, int layer) {
    return parts.stream().anyMatch(part -> part.run().isUsed(kind, layer));
  }

  @Override
  public boolean isEdited(HookKind kind, int layer) {
    return parts.stream().anyMatch(part -> part.run().isEdited(kind, layer));
  }

  @Override
  public boolean isDoneBefore(HookKind kind, int layer) {
    return parts.stream().allMatch(part -> part.run().isDoneBefore(kind, layer));
  }

  @Override
  public void moveCaptures(NDManager manager) {
    parts.forEach(part -> part.run().moveCaptures(manager));
  }

  @Override
  public List<Map<HookPoint, NDArray>> captures() {
    return parts.stream().map(part -> part.run().captures().get(0)).toList();
  }

  @Override
  public List<Map<ActivationReader, List<NDArray>>> readings() {
    return parts.stream().map(part -> part.run().readings().get(0)).toList();
  }
}
