package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.VideoModel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * Kind {@code two_expert_forward_original}: a prediction of each of two transformers, which a model
 * of both asks at the case's times.
 *
 * @param network of the transformer in a folder
 * @param whole opens the folder of both
 */
public record ExpertsCase(Function<Path, NetworkCase> network, Function<Path, VideoModel> whole)
    implements CaseKind.OnEngine {
  private static final double TIMES = 1000;

  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    Arguments folders = golden.args().group("checkpoints");
    try (VideoModel model = whole.apply(golden.checkpoint())) {
      requireBoundary(golden.args().number("boundary") * TIMES, model, checks);
      for (GoldenRun run : golden.runs()) {
        Path folder = golden.path(folders.text(run.name()));
        ToldConfiguration.check(golden, folder, checks);
        requireAsked(run, model, folder, checks);
        network.apply(folder).check(List.of(run), "", engine, checks);
      }
    }
  }

  private static void requireBoundary(double expected, VideoModel model, Checks checks) {
    double found = model.description().flow().denoisers().get(0).leastTimestep();
    if (Math.abs(found - expected) > 1e-9) {
      checks.fail("args.boundary: expected %s, the checkpoint gives %s".formatted(expected, found));
    }
  }

  /** The model asks, at the run's time, what lies in the folder that the case names. */
  private static void requireAsked(GoldenRun run, VideoModel model, Path folder, Checks checks) {
    Tensor times = run.input("timestep");
    double time = Arrays.stream(LatentTensor.numbers(times)).max().orElse(0);
    Flow.Expert asked = model.description().flow().expert(time);
    String origin = model.require(asked.component()).weights().origin();
    if (!Path.of(origin).startsWith(folder)) {
      checks.fail(
          "args.checkpoints.%s: expected what is asked at %s, %s"
              .formatted(run.name(), time, origin));
    }
  }
}
