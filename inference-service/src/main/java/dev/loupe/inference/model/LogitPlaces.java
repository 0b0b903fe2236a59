package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/** The places of a pass that need logits, member by member. */
final class LogitPlaces {
  private final List<TokenBatch> batches;
  private final List<LogitsMode> modes;
  private final int width;

  /**
   * The places of some members.
   *
   * @param batches of the members, whose rows lie below each other in the pass
   * @param modes what each member needs
   * @param width columns of the pass
   */
  LogitPlaces(List<TokenBatch> batches, List<LogitsMode> modes, int width) {
    this.batches = batches;
    this.modes = modes;
    this.width = width;
  }

  /** True when nobody needs logits. */
  boolean isEmpty() {
    return modes.stream().allMatch(mode -> mode == LogitsMode.NONE);
  }

  private boolean isWhole() {
    return modes.size() == 1 && (modes.get(0) == LogitsMode.ALL || width == 1);
  }

  /** [b, p, n] to [places, 1, n], or the same array when all places are needed. */
  NDArray pick(TransformerOps ops, NDArray x) {
    if (isWhole()) {
      return x;
    }
    LongStream.Builder places = LongStream.builder();
    long row = 0;
    for (int member = 0; member < batches.size(); member++) {
      TokenBatch batch = batches.get(member);
      for (int r = 0; r < batch.rows(); r++, row++) {
        int from = firstColumn(member, r);
        for (int column = from; column < from + columns(member); column++) {
          places.add(row * width + column);
        }
      }
    }
    long[] ids = places.build().toArray();
    NDArray index = x.getManager().create(ids, new Shape(ids.length, 1));
    return ops.embed(index, x.reshape(-1, x.getShape().get(2)));
  }

  private int firstColumn(int member, int row) {
    return modes.get(member) == LogitsMode.LAST ? batches.get(member).lengths()[row] - 1 : 0;
  }

  private int columns(int member) {
    return switch (modes.get(member)) {
      case NONE -> 0;
      case LAST -> 1;
      case ALL -> batches.get(member).width();
    };
  }

  /**
   * Each member's logits, [b, 1 or p, d_vocab] of its own rows, handed to its scope.
   *
   * @param picked as {@link #pick} orders them
   */
  List<Optional<NDArray>> split(NDArray picked, List<NDManager> scopes) {
    if (modes.size() == 1) {
      picked.attach(scopes.get(0));
      return List.of(Optional.of(picked));
    }
    List<Optional<NDArray>> split = new ArrayList<>();
    long vocabulary = picked.getShape().get(2);
    long from = 0;
    for (int member = 0; member < modes.size(); member++) {
      int rows = batches.get(member).rows();
      long count = (long) rows * columns(member);
      if (count == 0) {
        split.add(Optional.empty());
        continue;
      }
      NDArray own =
          picked
              .get(scopes.get(member), new NDIndex("{}:{}", from, from + count))
              .reshape(rows, columns(member), vocabulary);
      split.add(Optional.of(own));
      from += count;
    }
    return split;
  }
}
