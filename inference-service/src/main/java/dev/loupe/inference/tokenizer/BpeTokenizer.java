package dev.loupe.inference.tokenizer;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;

/**
 * GPT-2's byte-level byte-pair encoding (Radford et al. 2019): any text has tokens, and the tokens'
 * bytes put together are the text again. Added tokens such as {@code <|endoftext|>} are found in
 * the text, as Hugging Face's tokenizers do. Safe for use by several threads.
 */
public final class BpeTokenizer {
  private static final int CACHED_WORDS = 16_384;
  private static final int LONGEST_CACHED_WORD = 48;

  private final Vocabulary vocabulary;
  private final ByteAlphabet alphabet = new ByteAlphabet();
  private final int unknown;
  private final byte[][] bytesById;
  private final int[] byteTokens = new int[256];
  private final int longestToken;
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
    for (int id : vocabulary.ids().values()) {
      highest = Math.max(highest, id);
    }
    for (AddedToken token : vocabulary.added()) {
      highest = Math.max(highest, token.id());
    }
    bytesById = new byte[highest + 1][];
    vocabulary.ids().forEach((token, id) -> bytesById[id] = alphabet.bytes(token));
    for (AddedToken token : vocabulary.added()) {
      bytesById[token.id()] = token.content().getBytes(StandardCharsets.UTF_8);
    }
    // An added token that takes white space along may hold any number of bytes.
    boolean bounded = vocabulary.added().stream().noneMatch(t -> t.stripLeft() || t.stripRight());
    int longest = Arrays.stream(bytesById).mapToInt(b -> b == null ? 0 : b.length).max().orElse(1);
    longestToken = bounded ? Math.max(1, longest) : Integer.MAX_VALUE;
    merger = new WordMerger(mergeTable(vocabulary));
    finder = new AddedTokenFinder(vocabulary.added());
  }

  /**
   * Reads {@code tokenizer.json}, or where there is none {@code vocab.json} and {@code merges.txt}.
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

  /**
   * The tokens of a text. An empty text has none.
   *
   * @throws UnencodableTextException when the vocabulary lacks a byte of the text
   */
  public Encoding encode(String text) {
    TokenList out = new TokenList(Math.max(16, text.length() / 3));
    int at = 0;
    while (at < text.length()) {
      AddedTokenFinder.Match match = finder.find(text, at);
      int stop = match == null ? text.length() : match.start();
      if (at < stop) {
        encodeSegment(text.substring(at, stop), out);
      }
      if (match == null) {
        break;
      }
      int width =
          text.substring(match.start(), match.end()).getBytes(StandardCharsets.UTF_8).length;
      out.add(match.token().id(), width);
      at = match.end();
    }
    return out.toEncoding();
  }

  private void encodeSegment(String segment, TokenList out) {
    String text = segment;
    if (vocabulary.addPrefixSpace() && segment.charAt(0) != ' ') {
      text = " " + segment;
      out.skipNextByte();
    }
    int at = 0;
    while (at < text.length()) {
      int stop =
          vocabulary.splitWords() ? WordSplitter.wordEnd(text, at, text.length()) : text.length();
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

  /**
   * The fewest tokens that a text may have, found without looking for them: no token holds more
   * bytes than the longest.
   */
  public int fewestTokens(String text) {
    return text.length() / longestToken;
  }

  /** One more than the highest token id. */
  public int size() {
    return bytesById.length;
  }

  /** The bytes that a token stands for; none for an id that no token has. */
  public byte[] bytes(int id) {
    boolean known = id >= 0 && id < bytesById.length && bytesById[id] != null;
    return known ? bytesById[id].clone() : new byte[0];
  }

  /** The bytes that tokens stand for, put together. */
  public byte[] decode(int[] ids) {
    int length = 0;
    for (int id : ids) {
      length += bytes(id).length;
    }
    byte[] all = new byte[length];
    int at = 0;
    for (int id : ids) {
      byte[] piece = bytes(id);
      System.arraycopy(piece, 0, all, at, piece.length);
      at += piece.length;
    }
    return all;
  }

  /** What a token stands for; U+FFFD shows a part of a character. */
  public String text(int id) {
    return new String(bytes(id), StandardCharsets.UTF_8);
  }

  /** True for a token that was added to the vocabulary, such as the end of text. */
  public boolean isAdded(int id) {
    return vocabulary.added().stream().anyMatch(token -> token.id() == id);
  }

  /** The id of a token, given by the text that it stands for. */
  public OptionalInt find(String text) {
    for (AddedToken token : vocabulary.added()) {
      if (token.content().equals(text)) {
        return OptionalInt.of(token.id());
      }
    }
    return wholeWord(text.getBytes(StandardCharsets.UTF_8));
  }
}
