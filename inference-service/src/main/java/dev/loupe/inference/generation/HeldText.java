package dev.loupe.inference.generation;

import java.util.List;

/**
 * Text on its way out. What may be the beginning of a stop string waits until it is clear whether
 * it is one, so that nothing of a stop string is ever let through.
 */
final class HeldText {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private boolean stopped;

  HeldText(List<String> stops) {
    this.stops = stops;
  }

  /** Takes the next piece; returns what may go out. */
  String push(String piece) {
    held.append(piece);
    int stop = firstStop();
    if (stop >= 0) {
      stopped = true;
      return release(stop);
    }
    return release(held.length() - longestBeginning());
  }

  /** The text ends without a stop string: returns what still waits. */
  String finish() {
    return stopped ? "" : release(held.length());
  }

  /** True once the text holds a stop string. */
  boolean isStopped() {
    return stopped;
  }

  private String release(int end) {
    String out = held.substring(0, end);
    held.delete(0, end);
    return out;
  }

  private int firstStop() {
    int first = -1;
    for (String stop : stops) {
      int at = held.indexOf(stop);
      if (at >= 0 && (first < 0 || at < first)) {
        first = at;
      }
    }
    return first;
  }

  /** The length of the longest end of the text that a stop string begins with. */
  private int longestBeginning() {
    int longest = 0;
    for (String stop : stops) {
      for (int length = Math.min(stop.length() - 1, held.length()); length > longest; length--) {
        if (stop.startsWith(held.substring(held.length() - length))) {
          longest = length;
        }
      }
    }
    return longest;
  }
}
