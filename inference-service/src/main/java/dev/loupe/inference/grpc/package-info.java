/**
 * The service of {@code loupe.inference.v1}: one class for each RPC, and between messages and the
 * domain one small mapper for each concern. Nothing outside this package and those below it knows a
 * generated type.
 */
package dev.loupe.inference.grpc;
