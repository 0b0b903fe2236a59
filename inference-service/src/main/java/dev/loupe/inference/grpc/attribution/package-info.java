/** {@code AttributionService}: where outputs come from. */
package dev.loupe.inference.grpc.attribution;
