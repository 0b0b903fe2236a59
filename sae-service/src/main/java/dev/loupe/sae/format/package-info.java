/** Dictionary folders on disk: valid SAELens folders with Loupe's own metadata beside it. */
package dev.loupe.sae.format;
