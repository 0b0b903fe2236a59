/**
 * Where a model's files come from: a folder, or a hub repository that is downloaded once, checked,
 * and kept in the cache layout that Hugging Face's own tools use.
 */
package dev.loupe.inference.hub;
