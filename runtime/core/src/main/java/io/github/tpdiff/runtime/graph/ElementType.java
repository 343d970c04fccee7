package io.github.tpdiff.runtime.graph;

/** What a value holds: real numbers (fp32 semantics) or indices. */
public enum ElementType {
  F32,
  I64
}
