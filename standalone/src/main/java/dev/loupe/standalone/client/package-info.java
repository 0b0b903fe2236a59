/**
 * Loupe's services as a user's program calls them: over gRPC, through the gateway. Nothing here
 * knows that the services may run in the same JVM. Values that leave this package are its own
 * records.
 */
package dev.loupe.standalone.client;
