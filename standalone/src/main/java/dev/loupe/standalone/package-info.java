/** Loupe's command line. */
package dev.loupe.standalone;
