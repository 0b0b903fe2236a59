package dev.loupe.inference.serving;

/**
 * A model that stays in memory until this is closed, whatever becomes of its place in the registry.
 * Safe for use by several threads; closing it again does nothing.
 */
public interface ModelLease extends AutoCloseable {

  /** The model. */
  ServedModel model();

  @Override
  void close();
}
