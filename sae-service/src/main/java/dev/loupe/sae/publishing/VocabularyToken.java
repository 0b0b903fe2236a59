package dev.loupe.sae.publishing;

/**
 * A token of a model.
 *
 * @param text what it stands for by itself, with U+FFFD for parts of characters
 * @param bytes its part of a text's UTF-8 form
 */
public record VocabularyToken(String text, byte[] bytes) {}
