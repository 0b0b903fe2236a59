package dev.loupe.inference.tokenizer;

/**
 * The tokens of a text.
 *
 * @param ids token ids, `[pos]`
 * @param byteEnds where each token ends in the text's UTF-8 form, in bytes, `[pos]`
 */
public record Encoding(int[] ids, int[] byteEnds) {}
