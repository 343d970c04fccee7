package io.github.tpdiff.runtime.model;

import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.weights.TensorSource;

/**
 * A component of an opened model.
 *
 * @param name as in {@link ComponentDescription}
 * @param program what it computes
 * @param weights the checkpoint that holds its tensors
 */
public record Component(String name, Program program, TensorSource weights) {

  /** The same with other weights. */
  public Component withWeights(TensorSource others) {
    return new Component(name, program, others);
  }

  /** The same with another program over the same names. */
  public Component withProgram(Program other) {
    return new Component(name, other, weights);
  }
}
