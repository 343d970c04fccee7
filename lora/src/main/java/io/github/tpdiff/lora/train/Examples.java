package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.data.TrainingSet;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.diffusion.TrainingExample;
import io.github.tpdiff.runtime.model.Conditions;
import java.util.ArrayList;
import java.util.List;

/** Makes batch number n of a run: a function of the seed, the data and n. */
final class Examples implements BatchSource {
  private final PhasedClips data;
  private final PhasedDiffusion diffusion;
  private final TrainingSet clips;
  private final Visits visits;
  private final NoiseWindows noises;

  Examples(PhasedClips data, TrainingSettings settings) {
    this.data = data;
    this.diffusion = data.diffusion();
    this.clips = data.clips();
    this.visits = new Visits(diffusion, clips, settings);
    this.noises =
        new NoiseWindows(
            new Visits(diffusion, clips, settings),
            clips,
            diffusion.alignment(),
            settings.batches().size());
  }

  @Override
  public int batchesPerEpoch() {
    return visits.batchesPerEpoch();
  }

  @Override
  public TrainingBatch batch(long index) {
    List<Visits.Visit> batch = visits.batch(index);
    StagePlan plan = visits.plan(batch.get(0).clip());
    Stage stage = visits.stage(index);
    List<Long> seeds = noises.seeds(batch);
    var examples = new ArrayList<TrainingExample>();
    var conditions = new ArrayList<Conditions>();
    var weights = new ArrayList<Double>();
    for (int i = 0; i < batch.size(); i++) {
      Visits.Visit visit = batch.get(i);
      LatentShape shape = clips.shapes().get(visit.clip()).withGrid(stage.grid().size());
      double time = visits.time(visit, stage);
      weights.add(diffusion.lossWeighting().weight(stage, time));
      examples.add(
          plan.example(
              stage,
              time,
              clips.cleanPair(visit.clip(), plan, stage),
              NoiseSource.seeded(seeds.get(i)).draw(shape)));
      conditions.add(visits.conditions(visit));
    }
    return TrainingBatch.of(examples, conditions, data.denoiser()).weighted(weights);
  }

  @Override
  public void close() {
    noises.close();
  }
}
