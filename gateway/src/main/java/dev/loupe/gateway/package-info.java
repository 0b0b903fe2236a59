/**
 * The one public door. Forwards every call of the three services as it is, adds the calls that join
 * them, and serves the page. Knows no tensors and no SQL.
 */
package dev.loupe.gateway;
