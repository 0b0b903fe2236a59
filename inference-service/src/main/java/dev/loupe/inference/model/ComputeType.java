package dev.loupe.inference.model;

/** The floating-point type of a model's weights and arithmetic. */
public enum ComputeType {
  /** IEEE 754 binary32. */
  F32,
  /** bfloat16: faster where the processor knows it, with about three decimal digits. */
  BF16
}
