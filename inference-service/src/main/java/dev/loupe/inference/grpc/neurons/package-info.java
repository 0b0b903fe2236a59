/** {@code NeuronService}: what neurons and directions stand for. */
package dev.loupe.inference.grpc.neurons;
