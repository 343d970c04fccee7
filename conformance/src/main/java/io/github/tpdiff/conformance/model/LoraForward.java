package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.lora.LoraModels;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.lora.LoraFile;
import java.util.List;

/**
 * The predictions of one network under LoRA files.
 *
 * @param run gives the network's inputs
 */
record LoraForward(GoldenRun run, Engine engine, Checks checks) {
  /**
   * Compares what a network gives alone, where the case has that, and under each file.
   *
   * @param prefix of the outputs' names
   */
  void check(VideoModel base, String prefix, List<Arguments> files) {
    var inputs = NetworkRun.of(run, base);
    if (run.expects(prefix + "base.sample")) {
      checks.compare(prefix + "base.sample", inputs.predict(base, engine));
    }
    for (Arguments file : files) {
      var lora = LoraFile.read(run.golden().path(file.text("path")));
      double strength = file.findNumber("user_scale").orElse(1.0);
      VideoModel changed = LoraModels.applied(base, lora.weights(), strength);
      var described = new LoraArguments(file, checks);
      described.requireFormat(lora.format());
      described.requireModules(lora.weights());
      described.requireScale(lora.weights(), strength);
      checks.compare(prefix + file.text("name") + ".sample", inputs.predict(changed, engine));
    }
  }
}
