package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Component;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Kinds {@code text_encoder} and {@code text_encoder_original}: hidden states of the real tokens,
 * embeddings with zero rows beyond them, and the pooled state.
 *
 * @param parts opens the text encoder
 */
public record TextEncoderCase(PartsOpener parts) implements CaseKind.OnEngine {
  private static final String STATES = "last_hidden_state";
  private static final String MASK = "attention_mask";
  private static final String POOLED = "pooled";

  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    Component encoder =
        parts.open(golden, "").values().stream()
            .findFirst()
            .orElseThrow(() -> new CaseException("the checkpoint has no text encoder"));
    try (var weights = encoder.weights();
        var executable = engine.load(encoder.program(), weights)) {
      for (GoldenRun run : golden.runs()) {
        var inputs = new HashMap<>(Map.of("input_ids", run.input("input_ids")));
        run.findInput(MASK).ifPresent(mask -> inputs.put(MASK, mask));
        compare(run, Optional.ofNullable(inputs.get(MASK)), executable.run(inputs), checks);
      }
    }
  }

  private static void compare(
      GoldenRun run, Optional<Tensor> mask, Map<String, Tensor> outputs, Checks checks) {
    Tensor states = require(outputs, STATES);
    int width = (int) states.shape()[2];
    if (run.expects(STATES)) {
      checks.compareWhere(
          run.prefix() + STATES,
          states,
          i -> mask.isEmpty() || mask.get().longs().get(i / width) != 0);
    }
    if (run.expects("prompt_embeds")) {
      int length = run.args().integer("max_sequence_length");
      checks.compare(
          run.prefix() + "prompt_embeds", embeddings(states, mask.orElseThrow(), length));
    }
    if (run.expects(POOLED)) {
      checks.compare(run.prefix() + POOLED, require(outputs, POOLED));
    }
  }

  private static Tensor require(Map<String, Tensor> outputs, String name) {
    return Optional.ofNullable(outputs.get(name))
        .orElseThrow(() -> new CaseException("out." + name + ": this text encoder has none"));
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
