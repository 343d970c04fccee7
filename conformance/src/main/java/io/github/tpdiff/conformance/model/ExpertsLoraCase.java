package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.VideoModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Kind {@code two_expert_lora_forward}: each of two transformers under the LoRA files that are for
 * it.
 *
 * @param parts opens the transformer in a folder
 */
public record ExpertsLoraCase(Function<Path, Map<String, Component>> parts)
    implements CaseKind.OnEngine {
  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    Arguments folders = golden.args().group("checkpoints");
    var forward = new LoraForward(golden.whole(), engine, checks);
    for (String expert : folders.names()) {
      List<Arguments> own =
          golden.args().entries("files").stream()
              .filter(file -> file.text("expert").equals(expert))
              .toList();
      Path folder = golden.path(folders.text(expert));
      try (VideoModel base = CaseModel.network(parts.apply(folder))) {
        forward.check(base, expert + ".", own);
      }
    }
  }
}
