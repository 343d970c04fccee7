package io.github.tpdiff.runtime.graph;

/** What a value holds: real numbers (fp32 semantics) or indices. */
public enum ElementType {
  F32,
  I64;

  /** Of one value. */
  public int bytes() {
    return switch (this) {
      case F32 -> Float.BYTES;
      case I64 -> Long.BYTES;
    };
  }
}
