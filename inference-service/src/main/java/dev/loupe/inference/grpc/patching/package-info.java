/** PatchingService. */
package dev.loupe.inference.grpc.patching;
