package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.WeightChange;
import io.github.tpdiff.lora.data.EpochBatches;
import io.github.tpdiff.lora.train.TrainingTarget;
import io.github.tpdiff.runtime.cost.FrozenBytes;
import io.github.tpdiff.runtime.cost.TrainingCost;
import io.github.tpdiff.runtime.cost.TrainingCostModel;
import io.github.tpdiff.runtime.cost.WeightSizes;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.weights.TensorSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the batches of a job take.
 *
 * @param program that is trained
 * @param model of its cost
 * @param frozen bytes of the weights that are not trained
 * @param trainedBytes of what is
 */
record StepPricing(
    ResolvedJob job,
    Program program,
    TrainingCostModel model,
    FrozenBytes frozen,
    long trainedBytes) {
  /** Value and gradient where they are computed, the next gradient, and the host's values. */
  private static final long BYTES_PER_TRAINED = 4L * Float.BYTES;

  /**
   * A size in a stage.
   *
   * @param size of the clips
   * @param stage its number, 0 for training without stages
   * @param share of the steps that visit it
   * @param shape of a clip's latents
   */
  record Visit(VideoSize size, int stage, double share, LatentShape shape) {}

  static StepPricing of(ResolvedJob job) {
    var network = TrainingTarget.network(job.model(), job.denoiser());
    Program program =
        job.target().injection().map(LoraInjection::program).orElse(network.program());
    WeightSizes sizes = sizes(job.target().held());
    var trained = job.target().trainedTensors();
    return new StepPricing(
        job,
        program,
        new TrainingCostModel(program, sizes, trained),
        FrozenBytes.of(program, sizes, trained),
        trainedBytes(job, network));
  }

  /** Of the steps, those that visit each size of a job's data. */
  static Map<VideoSize, Double> sizes(ResolvedJob job, EpochBatches batches) {
    double fps = job.sizes().get(0).fps();
    var shares = new LinkedHashMap<VideoSize, Double>();
    batches
        .shares()
        .forEach(
            (clip, share) ->
                shares.put(new VideoSize(clip.height(), clip.width(), clip.frames(), fps), share));
    return shares;
  }

  /** Frozen weights as they are held; what is added is counted with what is trained. */
  static WeightSizes sizes(Component network) {
    TensorSource weights = network.weights();
    WeightSizes held = WeightSizes.held(weights);
    return (name, elements) -> weights.find(name).isPresent() ? held.bytes(name, elements) : 0;
  }

  private static long trainedBytes(ResolvedJob job, Component network) {
    var descent = job.job().train().settings().descent();
    double perValue = BYTES_PER_TRAINED + descent.rememberedBytesPerValue();
    return Math.round(perValue * trainedValues(job, network));
  }

  private static long trainedValues(ResolvedJob job, Component network) {
    return job.target()
        .injection()
        .map(i -> i.modules().stream().mapToLong(WeightChange::values).sum())
        .orElseGet(
            () ->
                TrainingTarget.requireTrained(network, job.job().train().weights()).stream()
                    .mapToLong(name -> network.weights().require(name).elementCount())
                    .sum());
  }

  /**
   * Stages in sampling order, and training without them where there are any.
   *
   * @param sizes shares of the steps
   */
  List<Visit> visits(Map<VideoSize, Double> sizes) {
    var visits = new ArrayList<Visit>();
    sizes.forEach(
        (size, ofSize) -> {
          LatentShape shape =
              size.latentShape(job.model().description().latents(), job.diffusion().stages());
          var plan = job.diffusion().plan(shape.grid());
          Map<Integer, Double> shares = job.diffusion().shares(plan);
          for (Stage stage : plan.stages()) {
            double share = ofSize * shares.getOrDefault(stage.number(), 0.0);
            if (share > 0) {
              var own = shape.withGrid(stage.grid().size());
              visits.add(new Visit(size, stage.number(), share, own));
            }
          }
          if (!job.diffusion().stages().equals(StageConfig.vanilla())) {
            visits.add(new Visit(size, 0, 0, shape));
          }
        });
    return visits;
  }

  /**
   * The price of a batch.
   *
   * @param keptBytes that the results of products may take
   */
  TrainingCost price(Visit visit, long keptBytes) {
    int clips = job.job().train().settings().batches().size();
    return model.price(
        NetworkInputs.shapes(
            program, job.model().description().flow(), visit.shape().withBatch(clips)),
        keptBytes);
  }

  /**
   * What all batches need at least.
   *
   * @param sizes shares of the steps
   */
  TrainingBytes leastBytes(Map<VideoSize, Double> sizes) {
    long kept = job.job().train().settings().activations().keptBytes(() -> 0);
    List<TrainingCost> costs =
        visits(sizes).stream()
            .filter(visit -> visit.share() > 0)
            .map(visit -> price(visit, kept))
            .toList();
    return new TrainingBytes(
        costs.stream().mapToLong(TrainingCost::activationBytes).max().orElse(0),
        costs.stream().mapToLong(TrainingCost::offloadedBytes).max().orElse(0),
        frozen,
        trainedBytes);
  }
}
