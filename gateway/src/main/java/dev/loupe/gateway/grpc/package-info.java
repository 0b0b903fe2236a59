/** The gateway's own calls on the wire. */
package dev.loupe.gateway.grpc;
