package io.github.tpdiff.lora;

/**
 * A linear layer with a low-rank change {@code scale · B(A(x))}.
 *
 * @param name dotted module name in the checkpoint, e.g. {@code blocks.0.attn1.to_q}
 * @param in features in
 * @param out features out
 * @param rank r
 * @param scale the factor on B·A
 */
public record LoraModule(String name, int in, int out, int rank, double scale) {
  /** Name of A [r, in]. */
  public String loraA() {
    return name + ".lora_A.weight";
  }

  /** Name of B [out, r]. */
  public String loraB() {
    return name + ".lora_B.weight";
  }
}
