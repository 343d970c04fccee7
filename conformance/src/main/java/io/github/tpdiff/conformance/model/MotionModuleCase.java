package io.github.tpdiff.conformance.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.Role;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Kind {@code motion_module_original}: the authors' files in every form, which hold the same
 * numbers, under every convention of group norms.
 *
 * @param opener of conditioning and denoiser
 */
public record MotionModuleCase(Opener opener) implements CaseKind.OnEngine {
  private static final List<String> CONVENTIONS = List.of("original", "original_v1", "diffusers");

  /** Opens the case's UNet with a file of motion modules. */
  @FunctionalInterface
  public interface Opener {
    Map<Role, Component> open(Path unet, Path motion, String convention);
  }

  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    GoldenRun run = golden.runs().get(0);
    Map<String, Tensor> inputs = Network.inputs(run::findInput);
    for (JsonNode file : golden.arg("files")) {
      Path motion = golden.folder().resolve(file.asText());
      for (String convention : CONVENTIONS) {
        try (var parts = new OpenComponents(opener.open(golden.checkpoint(), motion, convention));
            var network = Network.load(engine, parts)) {
          checks.compare(convention + ".sample", network.predict(inputs));
        }
      }
    }
  }
}
