package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.lora.LoraModels;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.lora.LoraFile;

/**
 * Kind {@code lora_forward}: one network under a LoRA in every form of file.
 *
 * @param parts opens conditioning and denoiser
 */
public record LoraForwardCase(PartsOpener parts) implements CaseKind.OnEngine {
  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    GoldenRun run = golden.runs().get(0);
    try (VideoModel base = CaseModel.network(parts.open(golden, ""))) {
      var inputs = NetworkRun.of(run, base);
      if (run.expects("base.sample")) {
        checks.compare("base.sample", inputs.predict(base, engine));
      }
      for (Arguments file : golden.args().entries("files")) {
        String name = file.text("name");
        var lora = LoraFile.read(golden.path(file.text("path")));
        double strength = file.findNumber("user_scale").orElse(1.0);
        VideoModel changed = LoraModels.applied(base, lora.weights(), strength);
        var described = new LoraArguments(file, checks);
        described.requireFormat(lora.format());
        described.requireModules(lora.weights());
        described.requireScale(lora.weights(), strength);
        checks.compare(name + ".sample", inputs.predict(changed, engine));
      }
    }
  }
}
