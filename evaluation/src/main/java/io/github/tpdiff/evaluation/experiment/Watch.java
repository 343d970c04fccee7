package io.github.tpdiff.evaluation.experiment;

import io.github.tpdiff.lora.train.SampleShown;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingProgress;
import io.github.tpdiff.runtime.diffusion.Latents;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Times a training on its way to a point, step by step and video by video; what else it does does
 * not count.
 */
final class Watch implements TrainingListener {
  /** The first steps of a run find memory and compile. */
  private static final int UNTIMED = 2;

  private final int last;
  private final int videos;
  private final Consumer<Trained> complete;
  private long mark = System.nanoTime();
  private int seen;
  private int timed;
  private double stepSeconds;
  private double firstSeconds;
  private double videoSeconds;
  private Map<Integer, Double> losses = Map.of();

  /**
   * @param last step of the run
   * @param videos that are made after it
   * @param complete is told when all of them are there, before the state of the last step is
   */
  Watch(int last, int videos, Consumer<Trained> complete) {
    this.last = last;
    this.videos = videos;
    this.complete = complete;
  }

  private double lap() {
    long now = System.nanoTime();
    double seconds = (now - mark) * 1e-9;
    mark = now;
    return seconds;
  }

  @Override
  public void stepped(TrainingProgress progress) {
    double seconds = lap();
    seen++;
    if (seen > UNTIMED) {
      stepSeconds += seconds;
      timed++;
    } else {
      firstSeconds += seconds;
    }
  }

  @Override
  public void validated(int step, Map<Integer, Double> measured) {
    lap();
    losses = measured;
  }

  @Override
  public void sampled(int step, int prompt, Latents latents) {
    videoSeconds += lap();
  }

  @Override
  public void shown(SampleShown sample) {
    lap();
    if (sample.step() == last && sample.prompt() == videos - 1) {
      complete.accept(
          new Trained(
              last,
              timed > 0 ? stepSeconds / timed : firstSeconds / Math.max(1, seen),
              losses,
              videoSeconds / videos));
    }
  }

  @Override
  public void saved(Path folder) {
    lap();
  }
}
