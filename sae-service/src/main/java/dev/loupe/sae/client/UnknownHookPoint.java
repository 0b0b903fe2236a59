package dev.loupe.sae.client;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.util.Comparator;
import java.util.List;

/** The error for a hook point that a model does not have. */
final class UnknownHookPoint {
  private static final int NEAREST = 3;

  private UnknownHookPoint() {}

  static LoupeException of(String name, List<String> known) {
    List<String> nearest =
        known.stream()
            .sorted(Comparator.<String>comparingInt(k -> distance(name, k)).thenComparing(k -> k))
            .limit(NEAREST)
            .toList();
    return LoupeException.invalid(
            ErrorReason.UNKNOWN_HOOK_POINT,
            "hook_point",
            name,
            "one of the model's hook points; the nearest are " + String.join(", ", nearest))
        .with("nearest", String.join(",", nearest));
  }

  /** Levenshtein's distance: insertions, deletions and changes that lead from one to the other. */
  private static int distance(String from, String to) {
    int[] row = new int[to.length() + 1];
    for (int j = 0; j < row.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j < row.length; j++) {
        int above = row[j];
        int change = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(change, 1 + Math.min(row[j - 1], above));
        diagonal = above;
      }
    }
    return row[to.length()];
  }
}
