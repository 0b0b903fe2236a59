/**
 * JSON files read strictly: what cannot be read as it stands is refused, and the place is named.
 */
package dev.loupe.inference.json;
