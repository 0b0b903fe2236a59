/** {@code loupe verify}: shows that a loaded model computes what others computed from it. */
package dev.loupe.standalone.verify;
