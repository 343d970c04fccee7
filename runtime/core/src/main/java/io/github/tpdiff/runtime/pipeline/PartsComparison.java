package io.github.tpdiff.runtime.pipeline;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.ConditionedNetwork;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.DenoiserSession;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.PromptEncoder;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.CheckpointException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * How far two sets of parts of one model are apart: one engine against another, an exported folder
 * against its checkpoint. Both are given the same numbers; a component is compared if both have it.
 *
 * @param plans whose stages the denoisers are compared at, of one schedule; pictures at those of
 *     the first
 * @param latents of the clip on the full grid
 */
public record PartsComparison(List<StagePlan> plans, LatentShape latents) {
  /** Chunks of a clip that the autoencoder is compared on: the first, and two with state. */
  private static final int CHUNKS = 3;

  /** Which nothing depends on. */
  private static final double FPS = 1;

  private static final String PROMPT = "a red ball rolls to the right";

  /**
   * @throws IllegalArgumentException if there is no plan
   */
  public PartsComparison {
    plans = List.copyOf(plans);
    checkArgument(!plans.isEmpty(), "comparison: expected at least one plan, found none");
  }

  /** At the stages of one plan. */
  public PartsComparison(StagePlan plan, LatentShape latents) {
    this(List.of(plan), latents);
  }

  /**
   * What was found of one part.
   *
   * @param component that was compared
   * @param part the component, and where it was compared, for the user
   * @param maxError max|other − reference| / max|reference| over all outputs
   */
  public record PartError(String component, String part, double maxError) {
    /** Of a component that is compared once. */
    PartError(String component, double maxError) {
      this(component, component, maxError);
    }
  }

  /** On a picture of a few latents, of as many frames as the model makes by default. */
  public static PartsComparison small(VideoModel model, StageConfig stages) {
    ModelDescription description = model.description();
    ModelDescription.Latents geometry = description.latents();
    int frames = geometry.latentFrames(geometry.framesFor(stages, description.defaults().frames()));
    int height = 2 * geometry.multiple(stages, GridAxis.HEIGHT) / geometry.spatialFactor();
    int width = 2 * geometry.multiple(stages, GridAxis.WIDTH) / geometry.spatialFactor();
    NoiseSchedule schedule = Scheduler.fromConfig(description.scheduler()).schedule();
    var latents = new LatentShape(1, geometry.channels(), frames, height, width);
    return new PartsComparison(StagePlan.of(stages, schedule, latents.grid()), latents);
  }

  /** Compares encoders, each denoiser in every stage, and the autoencoder. */
  public List<PartError> compare(PipelineParts reference, PipelineParts other) {
    var errors = new ArrayList<PartError>();
    Flow flow = reference.description().flow();
    errors.addAll(encoders(reference, other));
    for (Flow.Expert expert : flow.denoisers()) {
      if (both(reference, other, flow.network(expert.component()))) {
        errors.addAll(denoiser(expert, reference, other));
      }
    }
    if (both(reference, other, List.of(ComponentDescription.VAE_DECODER))) {
      VideoClip clip = decoded(reference);
      errors.add(
          new PartError(
              ComponentDescription.VAE_DECODER, error(clip.data(), decoded(other).data())));
      if (both(reference, other, List.of(ComponentDescription.VAE_ENCODER))) {
        errors.add(
            new PartError(
                ComponentDescription.VAE_ENCODER,
                error(encoded(reference, clip), encoded(other, clip))));
      }
    }
    return errors;
  }

  private static boolean both(PipelineParts one, PipelineParts other, Collection<String> names) {
    return one.components().containsAll(names) && other.components().containsAll(names);
  }

  private List<PartError> encoders(PipelineParts reference, PipelineParts other) {
    var errors = new ArrayList<PartError>();
    Flow flow = reference.description().flow();
    List<String> ofPrompts = writers(flow, false);
    if (!ofPrompts.isEmpty() && both(reference, other, ofPrompts)) {
      try (var one = PromptEncoder.open(reference);
          var two = PromptEncoder.open(other)) {
        errors.addAll(conditions(flow, "", one.encode(PROMPT), two.encode(PROMPT)));
      }
    }
    List<String> ofPictures = writers(flow, true);
    if (!ofPictures.isEmpty() && both(reference, other, ofPictures)) {
      StagePlan plan = plans.get(0);
      Conditions expected;
      Conditions found;
      try (var one = PictureEncoder.open(reference);
          var two = PictureEncoder.open(other)) {
        RequestedPictures noise = pictures(reference.description());
        VideoSize size = size(reference.description().latents());
        expected = one.encode(own -> noise.prepared(flow, own), size, plan);
        found = two.encode(own -> noise.prepared(flow, own), size, plan);
      }
      errors.addAll(conditions(flow, "", expected.values(), found.values()));
      for (Stage stage : plan.stages()) {
        LatentGrid grid = stage.grid().size();
        errors.addAll(
            conditions(
                flow, ", stage " + stage.number(), expected.ofGrid(grid), found.ofGrid(grid)));
      }
    }
    return errors;
  }

  private static List<String> writers(Flow flow, boolean ofPictures) {
    return flow
        .writers(flow.conditions(ofPictures).stream().map(condition -> condition.name()).toList())
        .stream()
        .map(ComponentDescription::name)
        .toList();
  }

  private static List<PartError> conditions(
      Flow flow, String where, Map<String, Tensor> expected, Map<String, Tensor> found) {
    var errors = new ArrayList<PartError>();
    for (Condition condition : flow.conditions()) {
      Tensor value = expected.get(condition.name());
      List<ComponentDescription> writers = flow.writers(List.of(condition.name()));
      if (value != null && value.type() == ElementType.F32 && !writers.isEmpty()) {
        String writer = writers.get(writers.size() - 1).name();
        errors.add(new PartError(writer, writer + where, error(condition.name(), value, found)));
      }
    }
    return errors;
  }

  private VideoSize size(ModelDescription.Latents geometry) {
    int factor = geometry.spatialFactor();
    return new VideoSize(
        latents.height() * factor,
        latents.width() * factor,
        geometry.frames(latents.frames()),
        FPS);
  }

  /** Noise in place of whatever pictures the model may be told of. */
  private RequestedPictures pictures(ModelDescription description) {
    VideoSize video = size(description.latents());
    var size = new PictureSize(video.width(), video.height());
    Flow flow = description.flow();
    boolean ends = flow.pictures().filter(use -> use.last() != PictureUse.Last.NEVER).isPresent();
    return new RequestedPictures(
        noise(size, 4), ends ? Optional.of(noise(size, 5)) : Optional.empty(), Optional.empty());
  }

  private static RgbPicture noise(PictureSize size, long seed) {
    var bytes = new byte[RgbPicture.CHANNELS * size.pixels()];
    new Random(seed).nextBytes(bytes);
    return new RgbPicture(bytes, size);
  }

  private List<PartError> denoiser(
      Flow.Expert expert, PipelineParts reference, PipelineParts other) {
    Flow flow = reference.description().flow();
    String name = expert.component();
    Conditions conditions = Conditions.noise(flow, latents);
    var errors = new ArrayList<PartError>();
    String conditioning = ComponentDescription.conditioning(name);
    if (flow.network(name).contains(conditioning)) {
      Stage first = plans.get(0).stages().get(0);
      Map<String, Tensor> inputs =
          conditions.inputs(conditioning, latents.withGrid(first.grid().size()), first.grid());
      errors.add(new PartError(conditioning, outputs(conditioning, inputs, reference, other)));
    }
    try (DenoiserSession one = DenoiserSession.of(reference, name);
        var known = ConditionedNetwork.inTurn(one, name, List.of(conditions));
        DenoiserSession two = DenoiserSession.of(other, name);
        var asked = ConditionedNetwork.inTurn(two, name, List.of(conditions))) {
      // Plans that reach a size at different times share a name.
      var byStage = new LinkedHashMap<String, Double>();
      for (Stage stage : stages()) {
        byStage.merge(
            "%s, stage %s of %s".formatted(name, stage.number(), stage.size()),
            error(predict(known, stage).data(), predict(asked, stage).data()),
            Math::max);
      }
      byStage.forEach((part, largest) -> errors.add(new PartError(name, part, largest)));
    }
    return errors;
  }

  /** The stages of all plans; what several have in common once. */
  private Set<Stage> stages() {
    return plans.stream()
        .flatMap(plan -> plan.stages().stream())
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  private static double outputs(
      String component, Map<String, Tensor> inputs, PipelineParts reference, PipelineParts other) {
    try (Executable one = reference.load(component);
        Executable two = other.load(component)) {
      Map<String, Tensor> found = two.run(inputs);
      return one.run(inputs).entrySet().stream()
          .mapToDouble(output -> error(output.getKey(), output.getValue(), found))
          .max()
          .orElse(0);
    }
  }

  /** The prediction for noise that is the same for every denoiser. */
  private Latents predict(ConditionedNetwork network, Stage stage) {
    Latents noise = NoiseSource.seeded(2).draw(latents.withGrid(stage.grid().size()));
    double timestep = plans.get(0).schedule().timestep(stage.start());
    return network.denoiser().predict(noise, timestep, stage.grid());
  }

  private VideoClip decoded(PipelineParts parts) {
    Latents noise = NoiseSource.seeded(3).draw(latents.withFrames(CHUNKS));
    return new GeneratedVideo(parts, noise, 1, GenerationListener.silent()).clip();
  }

  private static float[] encoded(PipelineParts parts, VideoClip clip) {
    try (var encoder = VaeEncoder.open(parts)) {
      return encoder.encode(clip).data();
    }
  }

  private static double error(String name, Tensor expected, Map<String, Tensor> found) {
    Tensor other = found.get(name);
    if (other == null) {
      throw new CheckpointException(
          "comparison: expected an output %s, found %s".formatted(name, found.keySet()));
    }
    return error(expected.toFloatArray(), other.toFloatArray());
  }

  private static double error(float[] expected, float[] found) {
    checkArgument(
        expected.length == found.length,
        "comparison: expected %s values, found %s",
        expected.length,
        found.length);
    double largest = 0;
    double apart = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      apart = Math.max(apart, Math.abs((double) found[i] - expected[i]));
    }
    return apart == 0 ? 0 : apart / largest; // zeros throughout are no difference
  }
}
