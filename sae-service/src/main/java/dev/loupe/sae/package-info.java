/**
 * The sae service: trains, evaluates, applies and publishes sparse dictionaries. {@link
 * dev.loupe.sae.SaeServer} runs it in this process, {@link dev.loupe.sae.SaeServiceMain} as a
 * program of its own.
 */
package dev.loupe.sae;
