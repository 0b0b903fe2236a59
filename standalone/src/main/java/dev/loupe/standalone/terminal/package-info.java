/**
 * What a reader sees: tables, progress bars and headings, plain where the output is no terminal.
 */
package dev.loupe.standalone.terminal;
