/**
 * Training the demo model: rows of tokens from the corpus, the settings of a run, and its model
 * card.
 */
package dev.loupe.standalone.pretrain;
