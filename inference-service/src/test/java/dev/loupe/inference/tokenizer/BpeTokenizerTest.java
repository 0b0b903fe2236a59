package dev.loupe.inference.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BpeTokenizerTest {
  @TempDir Path folder;

  private BpeTokenizer tokenizer() throws IOException {
    return BpeTokenizer.load(TokenizerFixture.write(folder, TokenizerFixture.json(false)));
  }

  @Test
  void mergesByRankWithinWords() throws IOException {
    Encoding encoding = tokenizer().encode("hello world");

    assertThat(encoding.ids())
        .containsExactly(TokenizerFixture.HELLO, TokenizerFixture.SPACE_WOR, 'l', 'd');
    assertThat(encoding.byteEnds()).containsExactly(5, 9, 10, 11);
  }

  @Test
  void equalRanksMergeFromTheLeft() throws IOException {
    BpeTokenizer tokenizer = tokenizer();

    assertThat(texts(tokenizer, "aaaa")).containsExactly("aa", "aa");
    assertThat(texts(tokenizer, "aaaaa")).containsExactly("aa", "aaa");
  }

  @Test
  void givesTheSameFromEachFileFormat(@TempDir Path pairs, @TempDir Path two) throws IOException {
    String text = "hello  world's 12 end<|endoftext|>\u00e9\ud83d\ude00";
    int[] expected = tokenizer().encode(text).ids();

    BpeTokenizer fromPairs =
        BpeTokenizer.load(TokenizerFixture.write(pairs, TokenizerFixture.json(true)));
    BpeTokenizer fromTwo = BpeTokenizer.load(TokenizerFixture.writePair(two));

    assertThat(fromPairs.encode(text).ids()).isEqualTo(expected);
    assertThat(fromTwo.encode(text).ids()).isEqualTo(expected);
  }

  @Test
  void findsAddedTokensInTheText() throws IOException {
    Encoding encoding = tokenizer().encode("a<|endoftext|>hello");

    assertThat(encoding.ids()).containsExactly('a', TokenizerFixture.END, TokenizerFixture.HELLO);
    assertThat(encoding.byteEnds()).containsExactly(1, 14, 19);
  }

  @Test
  void addsAPrefixSpaceThatIsNoPartOfTheText() throws IOException {
    TokenizerFixture.write(folder, TokenizerFixture.json(false));
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"add_prefix_space\": true}");
    BpeTokenizer tokenizer = BpeTokenizer.load(folder);

    Encoding encoding = tokenizer.encode("world");

    assertThat(encoding.ids()).containsExactly(TokenizerFixture.SPACE_WOR, 'l', 'd');
    assertThat(encoding.byteEnds()).containsExactly(3, 4, 5);
  }

  @Test
  void stripsWhiteSpaceRoundAnAddedTokenWhenItSaysSo() throws IOException {
    ObjectNode json = TokenizerFixture.json(false);
    json.withArray("added_tokens")
        .addObject()
        .put("id", TokenizerFixture.END + 1)
        .put("content", "<mask>")
        .put("lstrip", true)
        .put("rstrip", true);
    json.withArray("added_tokens")
        .addObject()
        .put("id", TokenizerFixture.END + 2)
        .put("content", "cat")
        .put("single_word", true);
    BpeTokenizer tokenizer = BpeTokenizer.load(TokenizerFixture.write(folder, json));

    Encoding masked = tokenizer.encode("a \n<mask>  b");
    assertThat(masked.ids()).containsExactly('a', TokenizerFixture.END + 1, 'b');
    assertThat(masked.byteEnds()).containsExactly(1, 11, 12);
    assertThat(tokenizer.encode("cat").ids()).containsExactly(TokenizerFixture.END + 2);
    assertThat(tokenizer.encode("cats").ids()).containsExactly('c', 'a', 't', 's');
  }

  @Test
  void anyTextComesBackFromItsTokens() throws IOException {
    BpeTokenizer tokenizer = tokenizer();
    SplittableRandom random = new SplittableRandom(5);
    for (int round = 0; round < 500; round++) {
      String text =
          IntStream.range(0, random.nextInt(40))
              .map(i -> randomPoint(random))
              .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
              .toString();
      Encoding encoding = tokenizer.encode(text);
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);

      assertThat(tokenizer.decode(encoding.ids())).isEqualTo(bytes);
      int tokens = encoding.ids().length;
      assertThat(tokens == 0 ? 0 : encoding.byteEnds()[tokens - 1]).isEqualTo(bytes.length);
    }
  }

  private static int randomPoint(SplittableRandom random) {
    return switch (random.nextInt(4)) {
      case 0 -> " \n\t'\u00a0".codePointAt(random.nextInt(5));
      case 1 -> "helowrdat".charAt(random.nextInt(9));
      case 2 -> random.nextInt(0x20, 0x500);
      default -> random.nextInt(0x1F300, 0x1F600);
    };
  }

  @Test
  void aLongWordWithoutSpacesIsMergedWhole() throws IOException {
    BpeTokenizer tokenizer = tokenizer();
    String word = "hello".repeat(50_000);

    assertThat(tokenizer.encode(word).ids()).hasSize(50_000).containsOnly(TokenizerFixture.HELLO);
  }

  @Test
  void aPartOfACharacterShowsAsReplacement() throws IOException {
    BpeTokenizer tokenizer = tokenizer();

    assertThat(texts(tokenizer, "\u00e9")).containsExactly("\ufffd", "\ufffd");
    assertThat(tokenizer.text(99_999)).isEmpty();
    assertThat(tokenizer.find("<|endoftext|>")).hasValue(TokenizerFixture.END);
    assertThat(tokenizer.find(" wor")).hasValue(TokenizerFixture.SPACE_WOR);
    assertThat(tokenizer.find("absent")).isEmpty();
  }

  @Test
  void aByteWithoutATokenIsNamed() throws IOException {
    ObjectNode json = TokenizerFixture.json(false);
    ((ObjectNode) json.at("/model/vocab")).remove("z");
    BpeTokenizer tokenizer = BpeTokenizer.load(TokenizerFixture.write(folder, json));

    assertThatThrownBy(() -> tokenizer.encode("hello z"))
        .isInstanceOf(UnencodableTextException.class)
        .hasMessageContaining("0x7A")
        .hasMessageContaining("at byte 6");
  }

  @Test
  void anUnknownTokenStandsInForAByteWithoutOne() throws IOException {
    ObjectNode json = TokenizerFixture.json(false);
    ((ObjectNode) json.at("/model/vocab")).remove("z");
    ((ObjectNode) json.path("model")).put("unk_token", "<|endoftext|>");
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"tokenizer_class\": \"PreTrainedTokenizerFast\"}");
    BpeTokenizer tokenizer = BpeTokenizer.load(TokenizerFixture.write(folder, json));

    Encoding encoding = tokenizer.encode("azb");

    assertThat(encoding.ids()).containsExactly('a', TokenizerFixture.END, 'b');
    assertThat(encoding.byteEnds()).containsExactly(1, 2, 3);
  }

  @Test
  void halfACharacterHasNoTokens() throws IOException {
    BpeTokenizer tokenizer = tokenizer();

    assertThatThrownBy(() -> tokenizer.encode("ab\ud83dc"))
        .isInstanceOf(UnencodableTextException.class)
        .hasMessageContaining("\\ud83d, at character 2");
  }

  private static String[] texts(BpeTokenizer tokenizer, String text) {
    return IntStream.of(tokenizer.encode(text).ids())
        .mapToObj(tokenizer::text)
        .toArray(String[]::new);
  }
}
