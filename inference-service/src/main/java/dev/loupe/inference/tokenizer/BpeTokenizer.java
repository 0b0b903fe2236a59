package dev.loupe.inference.tokenizer;

import dev.loupe.server.text.Surrogates;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;

/**
 * GPT-2's byte-level byte-pair encoding (Radford et al. 2019): any text has tokens, and the tokens'
 * bytes put together are the text again. Added tokens such as {@code <|endoftext|>} are found in
 * the text as Hugging Face's tokenizers find them. Safe for use by several threads.
 */
public final class BpeTokenizer implements Tokenizer {
  private static final int CACHED_WORDS = 16_384;
  private static final int LONGEST_CACHED_WORD = 48;

  private final Vocabulary vocabulary;
  private final ByteAlphabet alphabet = new ByteAlphabet();
  private final int unknown;
  private final byte[][] bytesById;
  private final int[] byteTokens = new int[256];
  private final int longestToken;
  private final Map<Integer, AddedToken> added;
  private final WordMerger merger;
  private final AddedTokenFinder finder;
  private final ConcurrentHashMap<String, int[]> words = new ConcurrentHashMap<>();

  BpeTokenizer(Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
    unknown = vocabulary.unknown().orElse(-1);
    for (int value = 0; value < 256; value++) {
      byteTokens[value] = vocabulary.ids().getOrDefault(alphabet.spell(value), -1);
    }
    int highest = -1;
    added = vocabulary.added().byId();
    for (int id : vocabulary.ids().values()) {
      highest = Math.max(highest, id);
    }
    for (int id : added.keySet()) {
      highest = Math.max(highest, id);
    }
    bytesById = new byte[highest + 1][];
    vocabulary.ids().forEach((token, id) -> bytesById[id] = alphabet.bytes(token));
    added.forEach((id, token) -> bytesById[id] = token.content().getBytes(StandardCharsets.UTF_8));
    // An added token that takes white space along may hold any number of bytes.
    boolean bounded = added.values().stream().noneMatch(t -> t.stripLeft() || t.stripRight());
    int longest = Arrays.stream(bytesById).mapToInt(b -> b == null ? 0 : b.length).max().orElse(1);
    longestToken = bounded ? Math.max(1, longest) : Integer.MAX_VALUE;
    merger = new WordMerger(mergeTable(vocabulary));
    finder = new AddedTokenFinder(vocabulary.added());
  }

  /**
   * Reads {@code tokenizer.json}, or where there is none {@code vocab.json} and {@code merges.txt},
   * with the files that say more of special tokens.
   *
   * @throws TokenizerException when the folder holds neither, or a file is malformed or of a kind
   *     that is not GPT-2's
   */
  public static BpeTokenizer load(Path folder) {
    return new BpeTokenizer(TokenizerFiles.read(folder));
  }

  private static MergeTable mergeTable(Vocabulary vocabulary) {
    MergeTable table = new MergeTable(vocabulary.merges().size());
    int rank = 0;
    for (Vocabulary.Merge merge : vocabulary.merges()) {
      int left = require(vocabulary, merge.left(), rank);
      int right = require(vocabulary, merge.right(), rank);
      table.add(left, right, rank, require(vocabulary, merge.left() + merge.right(), rank));
      rank++;
    }
    return table;
  }

  private static int require(Vocabulary vocabulary, String token, int rank) {
    Integer id = vocabulary.ids().get(token);
    if (id == null) {
      throw new TokenizerException(
          "merge %d needs the token \"%s\", which is not in the vocabulary".formatted(rank, token));
    }
    return id;
  }

  @Override
  public Encoding encode(String text, boolean literal) {
    int half = Surrogates.firstHalf(text);
    if (half >= 0) {
      throw new UnencodableTextException(text.charAt(half), half);
    }
    TokenList out = new TokenList(Math.max(16, text.length() / 3));
    int at = 0;
    int bytes = 0;
    for (AddedTokenFinder.Piece piece : finder.split(text, literal || vocabulary.literal())) {
      bytes += bytesBetween(text, at, piece.start());
      int width = bytesBetween(text, piece.start(), piece.end());
      out.moveTo(bytes);
      if (piece.isText()) {
        encodeSegment(text.substring(piece.start(), piece.end()), out);
      } else {
        out.add(piece.id(), width);
      }
      bytes += width;
      at = piece.end();
    }
    return out.toEncoding();
  }

  /** How many bytes lie from one place to another, which may be before it. */
  private static int bytesBetween(String text, int from, int to) {
    String between = text.substring(Math.min(from, to), Math.max(from, to));
    int bytes = between.getBytes(StandardCharsets.UTF_8).length;
    return from <= to ? bytes : -bytes;
  }

  private void encodeSegment(String segment, TokenList out) {
    String text = segment;
    if (vocabulary.rules().addPrefixSpace() && segment.charAt(0) != ' ') {
      text = " " + segment;
      out.skipNextByte();
    }
    int at = 0;
    while (at < text.length()) {
      int stop =
          vocabulary.rules().splitWords()
              ? WordSplitter.wordEnd(text, at, text.length())
              : text.length();
      encodeWord(text.substring(at, stop), out);
      at = stop;
    }
  }

  private void encodeWord(String word, TokenList out) {
    int[] ids = words.get(word);
    if (ids == null) {
      ids = mergeWord(word, out.bytes());
      // Once full the cache stays as it is: the words met first are mostly the frequent ones.
      if (word.length() <= LONGEST_CACHED_WORD && words.size() < CACHED_WORDS) {
        words.put(word, ids);
      }
    }
    for (int id : ids) {
      // An unknown token stands for one byte, whatever it is called.
      out.add(id, id == unknown ? 1 : bytesById[id].length);
    }
  }

  private int[] mergeWord(String word, int byteOffset) {
    byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
    if (vocabulary.ignoreMerges()) {
      OptionalInt whole = wholeWord(bytes);
      if (whole.isPresent()) {
        return new int[] {whole.getAsInt()};
      }
    }
    int[] symbols = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      int value = bytes[i] & 0xFF;
      symbols[i] = byteTokens[value];
      if (symbols[i] < 0) {
        if (unknown < 0) {
          throw new UnencodableTextException(value, byteOffset + i);
        }
        symbols[i] = unknown;
      }
    }
    return Arrays.copyOf(symbols, merger.merge(symbols, symbols.length));
  }

  private OptionalInt wholeWord(byte[] bytes) {
    StringBuilder spelled = new StringBuilder(bytes.length);
    for (byte b : bytes) {
      spelled.append(alphabet.spell(b & 0xFF));
    }
    Integer id = vocabulary.ids().get(spelled.toString());
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  @Override
  public int fewestTokens(String text) {
    return text.length() / longestToken;
  }

  @Override
  public int size() {
    return bytesById.length;
  }

  @Override
  public byte[] bytes(int id) {
    boolean known = id >= 0 && id < bytesById.length && bytesById[id] != null;
    return known ? bytesById[id].clone() : new byte[0];
  }

  @Override
  public SpecialTokens specialTokens() {
    return vocabulary.specialTokens();
  }

  @Override
  public boolean isAdded(int id) {
    return added.containsKey(id);
  }

  /** The id of a token, given by the text that it stands for. */
  public OptionalInt find(String text) {
    OptionalInt id = vocabulary.added().find(text);
    return id.isPresent() && added.containsKey(id.getAsInt())
        ? id
        : wholeWord(text.getBytes(StandardCharsets.UTF_8));
  }
}
