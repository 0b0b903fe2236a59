/**
 * What is kept of activations: slices and reductions made while the pass is there, and the cache in
 * which they stay on the server.
 */
package dev.loupe.inference.captures;
