/** Who may use the device, when, and how much memory a request may take. */
package dev.loupe.inference.scheduling;
