package io.github.tpdiff.lora.optim;

import io.github.tpdiff.lora.Parameter;

/** A step of an optimizer that moves each weight for itself. */
interface WeightStep {
  /**
   * A weight and its gradient.
   *
   * @param name of the weight
   * @param value changed in place
   * @param gradient of as many values
   */
  @SuppressWarnings("ArrayRecordComponent") // read where it lies, never compared
  record Weight(String name, Parameter value, float[] gradient) {}

  /**
   * Moves a weight.
   *
   * @param remembered changed in place
   * @param number of the step, from 1
   * @param rate of learning
   */
  void move(Weight weight, Remembered remembered, int number, double rate);
}
