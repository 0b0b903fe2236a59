/**
 * What needs DJL and several services share: the engine's start, array scopes, tensors in host
 * memory, and safetensors files. Nothing here knows a gRPC service.
 */
package dev.loupe.tensor;
