package dev.loupe.inference.grpc;

import dev.loupe.proto.inference.v1.Intervention;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Edits of prompts as edits of their samples, which lie prompt by prompt in the rows of a pass. A
 * sample that takes its value from another prompt takes it from the sample of its own number.
 */
final class SampleRows {
  private SampleRows() {}

  static List<Intervention> of(List<Intervention> edits, int prompts, int samples) {
    if (samples == 1) {
      return edits;
    }
    List<Intervention> all = new ArrayList<>();
    for (Intervention edit : edits) {
      boolean apart = edit.getPatch().hasRow();
      for (int sample = 0; sample < (apart ? samples : 1); sample++) {
        Intervention.Builder own = edit.toBuilder().clearRows();
        if (apart) {
          own.getPatchBuilder().setRow(edit.getPatch().getRow() * samples + sample);
        }
        for (int prompt : rows(edit, prompts, apart)) {
          for (int row = apart ? sample : 0; row < (apart ? sample + 1 : samples); row++) {
            own.addRows(prompt * samples + row);
          }
        }
        all.add(own.build());
      }
    }
    return all;
  }

  private static List<Integer> rows(Intervention edit, int prompts, boolean all) {
    return all && edit.getRowsCount() == 0
        ? IntStream.range(0, prompts).boxed().toList()
        : edit.getRowsList();
  }
}
