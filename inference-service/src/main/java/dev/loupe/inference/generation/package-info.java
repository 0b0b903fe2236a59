/** Continuing a text, token by token. */
package dev.loupe.inference.generation;
