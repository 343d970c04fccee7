package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.LoraModule;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Kind {@code lora_forward}: one network under a LoRA in every form of file.
 *
 * @param parts opens conditioning and denoiser
 */
public record LoraForwardCase(PartsOpener parts) implements CaseKind.OnEngine {
  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    GoldenRun run = golden.runs().get(0);
    Map<String, Tensor> inputs = Network.inputs(run::findInput);
    try (var base = new OpenComponents(parts.open(golden, ""))) {
      if (run.expects("base.sample")) {
        checks.compare("base.sample", predict(engine, base, inputs));
      }
      for (Arguments file : golden.args().entries("files")) {
        String name = file.text("name");
        var lora = LoraFile.read(golden.path(file.text("path")));
        double strength = file.findNumber("user_scale").orElse(1.0);
        OpenComponents changed = injected(base, lora.weights(), strength, checks);
        var described = new LoraArguments(file, checks);
        described.requireFormat(lora.format());
        described.requireModules(lora.weights());
        described.requireScale(lora.weights(), strength);
        checks.compare(name + ".sample", predict(engine, changed, inputs));
      }
    }
  }

  private static Tensor predict(
      Engine engine, OpenComponents components, Map<String, Tensor> inputs) {
    try (var network = Network.load(engine, components)) {
      return network.predict(inputs);
    }
  }

  private static OpenComponents injected(
      OpenComponents base, LoraWeights lora, double strength, Checks checks) {
    var changed = new EnumMap<Role, Component>(Role.class);
    Set<String> left = new HashSet<>(lora.pairs().keySet());
    base.components()
        .forEach(
            (role, component) -> {
              var injection = LoraInjection.of(component.program(), lora, strength);
              injection.modules().stream().map(LoraModule::name).forEach(left::remove);
              var values = Parameter.source(injection.parametersOf(lora));
              changed.put(
                  role, new Component(injection.program(), component.weights().overlaid(values)));
            });
    if (!left.isEmpty()) {
      checks.fail("the LoRA changes modules that the network has not: " + left);
    }
    return new OpenComponents(changed);
  }
}
