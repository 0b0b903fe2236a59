/**
 * The JSON form of the API: the paths that google.api.http annotations say, and the OpenAPI
 * document that is made of them and of the comments in the protos.
 */
package dev.loupe.gateway.rest;
