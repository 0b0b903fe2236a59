/** Clients of the inference service and of the feature store. */
package dev.loupe.sae.client;
