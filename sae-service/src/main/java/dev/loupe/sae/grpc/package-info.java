/** The API: requests checked and turned into the domain's terms, results turned into messages. */
package dev.loupe.sae.grpc;
