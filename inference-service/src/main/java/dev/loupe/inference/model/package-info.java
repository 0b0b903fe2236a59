/** GPT-2 itself: its config, its weights, and its forward pass with hook points. */
package dev.loupe.inference.model;
