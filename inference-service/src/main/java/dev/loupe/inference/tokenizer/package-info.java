/**
 * Byte-level byte-pair encoding, as GPT-2 uses it: text to token ids and back, without native code.
 */
package dev.loupe.inference.tokenizer;
