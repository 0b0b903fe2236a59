/** The three services as the analysis sees them, called over gRPC. */
package dev.loupe.gateway.client;
