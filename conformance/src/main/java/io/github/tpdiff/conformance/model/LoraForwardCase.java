package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.model.VideoModel;

/**
 * Kind {@code lora_forward}: one network under a LoRA in every form of file.
 *
 * @param parts opens conditioning and denoiser
 */
public record LoraForwardCase(PartsOpener parts) implements CaseKind.OnEngine {
  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    try (VideoModel base = CaseModel.network(parts.open(golden, ""))) {
      new LoraForward(golden.runs().get(0), engine, checks)
          .check(base, "", golden.args().entries("files"));
    }
  }
}
