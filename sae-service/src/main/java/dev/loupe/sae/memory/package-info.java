/** What work will take, predicted from shapes alone, before it is begun. */
package dev.loupe.sae.memory;
