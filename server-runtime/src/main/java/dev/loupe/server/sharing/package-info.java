/** What the callers of a server share fairly: memory, and turns. */
package dev.loupe.server.sharing;
