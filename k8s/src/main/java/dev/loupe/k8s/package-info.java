/**
 * Talks to Kubernetes through its official Java client. Services reach what is here by the names of
 * gRPC targets only, so none of them knows that there is a cluster.
 */
package dev.loupe.k8s;
