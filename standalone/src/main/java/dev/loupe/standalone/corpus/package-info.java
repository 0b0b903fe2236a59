/**
 * The demo corpus: a seeded generator of text whose every stretch knows which concepts it belongs
 * to, and the byte-level BPE trained on it. Pure Java, no tensors: the same seed gives the same
 * bytes on every JVM.
 */
package dev.loupe.standalone.corpus;
