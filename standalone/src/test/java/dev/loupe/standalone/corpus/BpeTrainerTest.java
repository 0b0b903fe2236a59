package dev.loupe.standalone.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BpeTrainerTest {
  @TempDir private Path folder;

  @Test
  void mostFrequentPairIsMergedFirst() {
    BpeTrainer trainer = new BpeTrainer();
    trainer.add("ab ab ab ab ab abc xbc", 1);
    TrainedBpe bpe = trainer.train(259);
    assertThat(bpe.merges().get(0)).isEqualTo(new TrainedBpe.Merge("a", "b"));
    assertThat(bpe.tokens().get(256)).isEqualTo("ab");
    assertThat(bpe.tokens().get(257)).isEqualTo("Ġab");
    assertThat(bpe.size()).isEqualTo(259);
  }

  @Test
  void mergesStopWhenNothingOccursTwice() {
    BpeTrainer trainer = new BpeTrainer();
    trainer.add("abc");
    assertThat(trainer.train(1_000).merges()).isEmpty();
  }

  @Test
  void everyTokenIsMadeOfTwoEarlierOnes() {
    TrainedBpe bpe = corpusTrainer().train(600);
    List<String> tokens = bpe.tokens();
    for (int i = 0; i < bpe.merges().size(); i++) {
      TrainedBpe.Merge merge = bpe.merges().get(i);
      assertThat(tokens.get(256 + i)).isEqualTo(merge.left() + merge.right());
      assertThat(tokens.subList(0, 256 + i)).contains(merge.left(), merge.right());
    }
    assertThat(tokens).doesNotHaveDuplicates();
  }

  @Test
  void digitsAreNotMergedWithEachOther() {
    TrainedBpe bpe = corpusTrainer().train(2_000);
    assertThat(bpe.tokens()).noneMatch(token -> token.matches(".*\\d\\d.*"));
  }

  @Test
  void trainingTwiceGivesTheSame() {
    assertThat(corpusTrainer().train(500)).isEqualTo(corpusTrainer().train(500));
  }

  @Test
  void byteAlphabetIsGpt2s() {
    assertThat(ByteAlphabet.encode(" \n\u00e9a")).isEqualTo("\u0120\u010a\u00c3\u00a9a");
    assertThat(ByteAlphabet.inIdOrder()).hasSize(256).doesNotHaveDuplicates();
    assertThat(ByteAlphabet.inIdOrder()[0]).isEqualTo("!");
    assertThat(ByteAlphabet.inIdOrder()[220]).isEqualTo("\u0120");
  }

  @Test
  void fileHasHuggingFacesForm() throws Exception {
    TrainedBpe bpe = corpusTrainer().train(400);
    Path file = folder.resolve("tokenizer.json");
    TokenizerFile.write(bpe, file);
    JsonNode root = new ObjectMapper().readTree(file.toFile());
    assertThat(root.at("/model/type").asText()).isEqualTo("BPE");
    assertThat(root.at("/model/vocab")).hasSize(400);
    assertThat(root.at("/model/merges")).hasSize(400 - 257);
    assertThat(root.at("/model/vocab/<|endoftext|>").asInt()).isEqualTo(399);
    assertThat(root.at("/added_tokens/0/id").asInt()).isEqualTo(399);
    assertThat(root.at("/pre_tokenizer/type").asText()).isEqualTo("ByteLevel");
    assertThat(root.at("/pre_tokenizer/add_prefix_space").asBoolean()).isFalse();
  }

  @Test
  void vocabularyMustHoldTheBytes() {
    assertThatThrownBy(() -> new BpeTrainer().train(256))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("257");
  }

  private static BpeTrainer corpusTrainer() {
    BpeTrainer trainer = new BpeTrainer();
    CorpusGenerator corpus = new CorpusGenerator(1);
    for (int i = 0; i < 500; i++) {
      trainer.add(corpus.document(i).text());
    }
    return trainer;
  }
}
