/** Stored rows of tokens, and the order in which training and measuring run through them. */
package dev.loupe.sae.corpus;
