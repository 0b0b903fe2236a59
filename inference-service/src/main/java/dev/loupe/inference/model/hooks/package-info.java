/** Hook points, and programs that read and change activations there. */
package dev.loupe.inference.model.hooks;
