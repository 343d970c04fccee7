package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.pipeline.Role;
import java.nio.LongBuffer;
import java.util.Map;
import java.util.Objects;

/**
 * Kinds {@code text_encoder} and {@code text_encoder_original}: hidden states of the real tokens,
 * and embeddings with zero rows beyond them.
 *
 * @param parts opens the text encoder
 */
public record TextEncoderCase(PartsOpener parts) implements CaseKind.OnEngine {
  private static final String STATES = "last_hidden_state";

  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    try (var components = new OpenComponents(parts.open(golden));
        var executable = components.load(engine, Role.TEXT_ENCODER)) {
      for (GoldenRun run : golden.runs()) {
        Tensor mask = run.input("attention_mask");
        Tensor states =
            Objects.requireNonNull(
                executable
                    .run(Map.of("input_ids", run.input("input_ids"), "attention_mask", mask))
                    .get(STATES),
                STATES);
        int width = (int) states.shape()[2];
        LongBuffer real = mask.longs();
        if (run.expects(STATES)) {
          checks.compareWhere(run.prefix() + STATES, states, i -> real.get(i / width) != 0);
        }
        if (run.expects("prompt_embeds")) {
          int length = golden.arg("max_sequence_length").asInt();
          checks.compare(run.prefix() + "prompt_embeds", embeddings(states, mask, length));
        }
      }
    }
  }

  /** [B, length, d] with the states of real tokens in front and zeros behind. */
  private static Tensor embeddings(Tensor states, Tensor mask, int length) {
    int batch = (int) states.shape()[0];
    int rows = (int) states.shape()[1];
    int width = (int) states.shape()[2];
    float[] values = states.toFloatArray();
    var embeddings = new float[batch * length * width];
    for (int b = 0; b < batch; b++) {
      for (int row = 0; row < Math.min(rows, length); row++) {
        if (mask.longs().get(b * rows + row) != 0) {
          System.arraycopy(
              values, (b * rows + row) * width, embeddings, (b * length + row) * width, width);
        }
      }
    }
    return Tensor.ofFloats(embeddings, batch, length, width);
  }
}
