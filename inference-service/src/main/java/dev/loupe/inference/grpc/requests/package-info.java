/** Reads what requests of several services share, and writes what their answers share. */
package dev.loupe.inference.grpc.requests;
