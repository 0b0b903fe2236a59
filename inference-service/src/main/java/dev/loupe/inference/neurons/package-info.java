/** What single neurons and embeddings stand for. */
package dev.loupe.inference.neurons;
