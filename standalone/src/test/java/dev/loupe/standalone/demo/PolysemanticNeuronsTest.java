package dev.loupe.standalone.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class PolysemanticNeuronsTest {
  /** 300 tokens; those of each block of 50 mean one thing, and the token says which. */
  private static HeldOutText text(boolean labelled) {
    int[] ids = new int[301];
    List<String> tokens = new ArrayList<>(List.of(""));
    List<ByteString> bytes = new ArrayList<>(List.of(ByteString.EMPTY));
    List<BitSet> labels = new ArrayList<>(List.of(new BitSet()));
    for (int t = 0; t < 300; t++) {
      tokens.add(" w" + t / 50);
      bytes.add(ByteString.copyFromUtf8(" w" + t / 50));
      BitSet set = new BitSet();
      set.set(t / 50, labelled);
      labels.add(set);
    }
    return new HeldOutText(List.of(new TextRow(ids, tokens, bytes, labels)));
  }

  private static DenseUnits units() {
    float[][] values = new float[3][300];
    for (int t = 0; t < 300; t++) {
      values[0][t] = t / 50 == 2 ? 5 : 0;
      // Fires on the first twenty-five tokens of blocks 0, 1, 3 and 4: a quarter each.
      values[1][t] = t / 50 != 2 && t / 50 != 5 && t % 50 < 25 ? 3 + t * 0.001f : 0;
      values[2][t] = t / 50 < 2 ? 1 : -1;
    }
    return ConceptScoresTest.dense(values);
  }

  @Test
  void theNeuronWithMostSensesComesFirst() {
    HeldOutText text = text(true);
    Meanings meanings = new Meanings(text, List.of("a", "b", "c", "d", "e", "f"));

    List<PolysemanticNeuron> found = new PolysemanticNeurons(meanings).find(units(), 2, 2);

    PolysemanticNeuron first = found.get(0);
    assertThat(first.label()).isEqualTo("L2N1");
    assertThat(first.senses().stream().map(PolysemanticNeuron.Sense::meaning))
        .containsExactlyInAnyOrder("a", "b", "d", "e");
    assertThat(first.covered()).isCloseTo(1, within(1e-9));
    assertThat(first.senses().get(0).share()).isCloseTo(0.25, within(1e-9));
    // L2N2 has two senses, but fires too weakly to be looked at.
    assertThat(found.get(1).label()).isEqualTo("L2N0");
  }

  @Test
  void withoutLabelsATokenMeansItself() {
    Meanings meanings = new Meanings(text(false), Collections.emptyList());

    PolysemanticNeuron first = new PolysemanticNeurons(meanings).find(units(), 0, 1).get(0);

    assertThat(first.senses().stream().map(PolysemanticNeuron.Sense::meaning))
        .containsExactlyInAnyOrder("\"w0\"", "\"w1\"", "\"w3\"", "\"w4\"");
  }

  @Test
  void aContextShowsTheTokenInBrackets() {
    assertThat(text(true).context(1, 3, 2)).isEqualTo("w0[ w0] w0 w0");
  }

  @Test
  void aContextNeverCutsACharacter() {
    ByteString text = ByteString.copyFromUtf8("的首都");
    List<ByteString> pieces =
        List.of(ByteString.EMPTY, text.substring(0, 4), text.substring(4, 5), text.substring(5, 9));
    HeldOutText rows =
        new HeldOutText(
            List.of(
                new TextRow(
                    new int[4],
                    List.of("", "的\ufffd", "\ufffd", "\ufffd都"),
                    pieces,
                    List.of(new BitSet(), new BitSet(), new BitSet(), new BitSet()))));

    assertThat(rows.context(1, 1, 1)).isEqualTo("的[首]都");
    assertThat(rows.context(0, 0, 0)).isEqualTo("[的首]都");
  }
}
