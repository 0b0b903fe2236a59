/** Engine calls that NDArray does not offer, compiled ahead of time to TorchScript. */
package dev.loupe.tensor.kernels;
