/**
 * Crossing between host tensors and the messages of {@code loupe.tensor.v1}. Nothing here knows a
 * service.
 */
package dev.loupe.tensor.grpc;
