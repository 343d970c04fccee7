package io.github.tpdiff.lora.train;

/** Training met a number that is not finite and stopped before it reached the weights. */
public final class NonFiniteException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  NonFiniteException(int step, String what) {
    super(
        "step %d: %s; the weights are those of step %d. Lower the learning rate or set train.max_grad_norm"
            .formatted(step, what, step - 1));
  }
}
