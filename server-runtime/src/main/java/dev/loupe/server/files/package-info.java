/** Files that are on the disk when it is said that they are. */
package dev.loupe.server.files;
