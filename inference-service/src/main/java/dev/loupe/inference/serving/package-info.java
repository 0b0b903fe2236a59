/** Models that are loaded, with everything that a request needs of them. */
package dev.loupe.inference.serving;
