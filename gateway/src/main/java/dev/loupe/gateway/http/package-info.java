/**
 * What listens: gRPC, gRPC-Web, JSON, reflection, health, documentation and the page on one port.
 */
package dev.loupe.gateway.http;
