package dev.loupe.inference.tokenizer;

import java.util.Map;
import java.util.Optional;

/**
 * What transformers 5 makes of a {@code tokenizer_class}: its classes of byte-level BPE take the
 * vocabulary, the merges and the added tokens of {@code tokenizer.json} and have rules and special
 * tokens of their own; under any other name the file is taken as it is written.
 */
enum TokenizerKind {
  GPT2(
      "GPT2Tokenizer",
      Map.of(
          "bos_token",
          "<|endoftext|>",
          "eos_token",
          "<|endoftext|>",
          "unk_token",
          "<|endoftext|>")),
  ROBERTA(
      "RobertaTokenizer",
      Map.of(
          "bos_token", "<s>",
          "eos_token", "</s>",
          "unk_token", "<unk>",
          "sep_token", "</s>",
          "pad_token", "<pad>",
          "cls_token", "<s>",
          "mask_token", "<mask>")),
  AS_WRITTEN("PreTrainedTokenizerFast", Map.of());

  private final String className;
  private final Map<String, String> defaults;

  TokenizerKind(String className, Map<String, String> defaults) {
    this.className = className;
    this.defaults = defaults;
  }

  /** The kind for a class; a GPT-2 model that names none has GPT-2's. */
  static TokenizerKind of(String tokenizerClass) {
    String slow = tokenizerClass.replaceAll("Fast$", "");
    return switch (slow) {
      case "", "GPT2Tokenizer" -> GPT2;
      case "RobertaTokenizer" -> ROBERTA;
      default -> AS_WRITTEN;
    };
  }

  /** True when a class is known to stand for a file that is taken as it is written. */
  static boolean isGeneric(String tokenizerClass) {
    return switch (tokenizerClass) {
      case "PreTrainedTokenizer", "PreTrainedTokenizerFast", "TokenizersBackend", "PythonBackend" ->
          true;
      default -> false;
    };
  }

  String className() {
    return className;
  }

  /** A special token that stands where no file names one. */
  Optional<String> fallback(String role) {
    return Optional.ofNullable(defaults.get(role));
  }
}
