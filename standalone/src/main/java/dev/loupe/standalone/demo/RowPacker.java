package dev.loupe.standalone.demo;

import com.google.protobuf.ByteString;
import dev.loupe.standalone.client.ModelClient;
import dev.loupe.standalone.client.Progress;
import dev.loupe.standalone.client.TokenizedText;
import dev.loupe.standalone.corpus.LabelledDocument;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;

/**
 * Makes rows of tokens out of documents, as the model was trained on them: documents one after the
 * other, each behind the beginning-of-text token, each row beginning with one; what does not fit is
 * cut.
 */
final class RowPacker {
  private static final int DOCUMENTS_A_CALL = 256;
  private static final int CHARACTERS_A_CALL = 250_000;

  private final ModelClient model;
  private final int bos;
  private final int length;

  /**
   * Packs for a model.
   *
   * @param bos the beginning-of-text token; below 0 when the model has none
   * @param length tokens in a row
   */
  RowPacker(ModelClient model, int bos, int length) {
    this.model = model;
    this.bos = bos;
    this.length = length;
  }

  /** At most so many rows; fewer when the documents end. */
  List<TextRow> pack(Iterator<LabelledDocument> documents, int rows, Progress progress) {
    List<TextRow> packed = new ArrayList<>();
    Filling filling = new Filling();
    while (packed.size() < rows && documents.hasNext()) {
      List<LabelledDocument> some = take(documents);
      List<TokenizedText> tokens =
          model.tokenize(some.stream().map(LabelledDocument::text).toList());
      for (int i = 0; i < some.size() && packed.size() < rows; i++) {
        filling.add(some.get(i), tokens.get(i), packed);
      }
      progress.at(Math.min(packed.size(), rows), rows);
    }
    if (packed.size() < rows && filling.ids.size() > 1) {
      filling.close(packed);
    }
    return packed;
  }

  private static List<LabelledDocument> take(Iterator<LabelledDocument> documents) {
    List<LabelledDocument> some = new ArrayList<>();
    int characters = 0;
    while (documents.hasNext()
        && some.size() < DOCUMENTS_A_CALL
        && characters < CHARACTERS_A_CALL) {
      some.add(documents.next());
      characters += some.get(some.size() - 1).text().length();
    }
    return some;
  }

  /** The row that is being filled. */
  private final class Filling {
    private List<Integer> ids = new ArrayList<>();
    private List<String> tokens = new ArrayList<>();
    private List<ByteString> bytes = new ArrayList<>();
    private List<BitSet> labels = new ArrayList<>();

    void add(LabelledDocument document, TokenizedText text, List<TextRow> packed) {
      BitSet[] concepts = document.labelsFor(text.byteEnds());
      ByteString whole = ByteString.copyFromUtf8(document.text());
      int start = 0;
      boolean unlabelled = document.spans().isEmpty();
      begin();
      for (int i = 0; i < text.ids().length; i++) {
        if (ids.size() == length) {
          close(packed);
          if (!unlabelled) {
            return;
          }
          // A long text without labels goes on in the next row.
          begin();
        }
        ByteString piece = whole.substring(start, text.byteEnds()[i]);
        start = text.byteEnds()[i];
        put(text.ids()[i], text.tokens().get(i), piece, concepts[i]);
      }
      if (ids.size() >= length - 1) {
        close(packed);
      }
    }

    private void begin() {
      if (bos >= 0) {
        put(bos, "", ByteString.EMPTY, new BitSet());
      }
    }

    private void put(int id, String token, ByteString piece, BitSet concepts) {
      ids.add(id);
      tokens.add(token);
      bytes.add(piece);
      labels.add(concepts);
    }

    void close(List<TextRow> packed) {
      packed.add(
          new TextRow(ids.stream().mapToInt(Integer::intValue).toArray(), tokens, bytes, labels));
      ids = new ArrayList<>();
      tokens = new ArrayList<>();
      bytes = new ArrayList<>();
      labels = new ArrayList<>();
    }
  }
}
