/** {@code HeadService}: what attention heads do. */
package dev.loupe.inference.grpc.heads;
