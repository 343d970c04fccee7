package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.data.TrainingSet;
import io.github.tpdiff.lora.train.Draws.Purpose;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.TrainingExample;
import io.github.tpdiff.runtime.engine.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes batch number n of a run: a function of the seed, the data and n. */
final class Examples {
  private final PhasedDiffusion diffusion;
  private final TrainingSet clips;
  private final TrainingSettings settings;
  private final Draws draws;
  private final BatchOrder order;
  private final NoiseWindows noises;
  private final Map<Integer, StagePlan> plans = new HashMap<>();

  Examples(PhasedDiffusion diffusion, TrainingSet clips, TrainingSettings settings) {
    this.diffusion = diffusion;
    this.clips = clips;
    this.settings = settings;
    this.draws = new Draws(settings.seed());
    this.order = new BatchOrder(clips.shapes(), settings.batches().size(), draws);
    this.noises = new NoiseWindows(diffusion, settings.batches().size(), clips, draws);
    clips.shapes().forEach(shape -> plan(shape.frames()));
  }

  int batchesPerEpoch() {
    return order.batchesPerEpoch();
  }

  private StagePlan plan(int frames) {
    return plans.computeIfAbsent(frames, diffusion::plan);
  }

  TrainingBatch batch(long index) {
    List<Integer> members = order.batch(index);
    StagePlan plan = plan(clips.shapes().get(members.get(0)).frames());
    Stage stage = diffusion.weights().draw(plan, () -> draws.uniform(Purpose.STAGE, index));
    List<Long> seeds = noises.seeds(index, plan, stage);
    var examples = new ArrayList<TrainingExample>();
    var conditioning = new ArrayList<Map<String, Tensor>>();
    for (int i = 0; i < members.size(); i++) {
      int place = i;
      int clip = members.get(i);
      double time =
          diffusion
              .timesteps()
              .draw(stage, plan.schedule().form(), () -> draws.uniform(Purpose.TIME, index, place));
      LatentShape shape = clips.shapes().get(clip).withFrames(stage.frames());
      examples.add(
          plan.example(
              stage, time, clips.latents(clip), NoiseSource.seeded(seeds.get(i)).draw(shape)));
      boolean drop = draws.uniform(Purpose.CAPTION, index, place) < settings.captionDropout();
      conditioning.add(drop ? clips.uncaptioned() : clips.conditioning(clip));
    }
    return TrainingBatch.of(examples, conditioning);
  }
}
