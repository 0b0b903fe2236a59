/** The inference service as a program: its server, its options and its metrics. */
package dev.loupe.inference;
