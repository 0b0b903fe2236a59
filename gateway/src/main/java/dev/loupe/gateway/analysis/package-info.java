/** Joins a model, a dictionary and labels into one look at a prompt. Knows no wire format. */
package dev.loupe.gateway.analysis;
