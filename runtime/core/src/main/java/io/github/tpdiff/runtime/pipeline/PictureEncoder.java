package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Condition.Follows;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.Runs;
import io.github.tpdiff.weights.CheckpointException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/** Pictures to the conditions that they decide. Holds its encoders until closed. */
public final class PictureEncoder implements AutoCloseable {
  private final PipelineParts parts;
  private final List<ComponentDescription> encoders;
  private final Optional<VaeEncoder> given;
  private Optional<VaeEncoder> own = Optional.empty();
  private final Map<String, Executable> loaded = new HashMap<>();

  private PictureEncoder(
      PipelineParts parts, List<ComponentDescription> encoders, Optional<VaeEncoder> given) {
    this.parts = parts;
    this.encoders = encoders;
    this.given = given;
  }

  /** Whether a model is conditioned on pictures, and has what encodes them. */
  public static boolean isUsed(PipelineParts parts) {
    Flow flow = parts.description().flow();
    return flow.conditions(true).stream()
        .anyMatch(
            condition ->
                flow.writers(List.of(condition.name())).stream()
                    .allMatch(writer -> parts.has(writer.name())));
  }

  /**
   * The encoder of a pipeline's pictures; its networks are loaded with the first picture.
   *
   * @throws CheckpointException if one that the model needs is absent
   */
  public static PictureEncoder open(PipelineParts parts) {
    return new PictureEncoder(parts, parts.encoders("a picture", true), Optional.empty());
  }

  /**
   * The same beside an encoder of clips, which stays the caller's to close and is not loaded twice.
   */
  public static PictureEncoder open(PipelineParts parts, VaeEncoder clips) {
    return new PictureEncoder(parts, parts.encoders("a picture", true), Optional.of(clips));
  }

  /**
   * What the stages of a plan are told of pictures: all of them what follows from the full grid, or
   * each what a video of its own is told ({@link Targets#PIXEL}).
   *
   * @param pictures for a video of a size
   * @param size of the whole video
   */
  public Conditions encode(
      Function<VideoSize, GivenPictures> pictures, VideoSize size, StagePlan plan) {
    ModelDescription model = parts.description();
    Map<String, Tensor> full = encode(pictures.apply(size), shape(model.latents(), plan.grid()));
    var ofGrids = new HashMap<LatentGrid, Map<String, Tensor>>();
    if (plan.config().targets() == Targets.PIXEL) {
      for (Stage stage : plan.stages()) {
        LatentGrid grid = stage.grid().size();
        if (!grid.equals(plan.grid())) {
          GivenPictures own = pictures.apply(size.coarser(stage.strides()));
          ofGrids.put(grid, encodeOfStage(own, shape(model.latents(), grid)));
        }
      }
    }
    return new Conditions(model.flow(), full, ofGrids);
  }

  private static LatentShape shape(ModelDescription.Latents latents, LatentGrid grid) {
    return new LatentShape(1, latents.channels(), grid.frames(), grid.height(), grid.width());
  }

  /**
   * The conditions of pictures, each with a batch axis of one.
   *
   * @param pictures of the clip's size
   * @param clip its latents
   */
  public Map<String, Tensor> encode(GivenPictures pictures, LatentShape clip) {
    return encode(pictures, clip, condition -> true);
  }

  /** Those of them that follow stages, for a stage that is a smaller video of its own. */
  public Map<String, Tensor> encodeOfStage(GivenPictures pictures, LatentShape stage) {
    return encode(pictures, stage, condition -> condition.follows() == Follows.FRAMES);
  }

  private Map<String, Tensor> encode(
      GivenPictures pictures, LatentShape clip, Predicate<Condition> wanted) {
    Flow flow = parts.description().flow();
    List<String> names =
        flow.conditions(true).stream().filter(wanted).map(Condition::name).toList();
    var values = new HashMap<String, Tensor>();
    values.put(Flow.PICTURE, pictures.first());
    pictures.pixels().ifPresent(pixels -> values.put(Flow.PICTURE_PIXELS, pixels));
    values.put(
        Flow.POSITIONS, NetworkInputs.positions(IntStream.range(0, clip.frames()).toArray()));
    List<ComponentDescription> needed = flow.writers(names);
    for (ComponentDescription encoder : encoders) {
      if (!needed.contains(encoder)) {
        continue;
      }
      if (encoder.runs() == Runs.CHUNK) {
        Tensor latents = latents(encoder).of(pictures, clip);
        encoder.writes().values().forEach(value -> values.put(value, latents));
      } else {
        values.putAll(run(encoder, values));
      }
    }
    var conditions = new LinkedHashMap<String, Tensor>();
    for (String name : names) {
      Optional.ofNullable(values.get(name)).ifPresent(value -> conditions.put(name, value));
    }
    return conditions;
  }

  private Map<String, Tensor> run(ComponentDescription encoder, Map<String, Tensor> values) {
    Executable executable = loaded.computeIfAbsent(encoder.name(), parts::load);
    var inputs = new HashMap<String, Tensor>();
    executable
        .inputNames()
        .forEach(
            input ->
                inputs.put(
                    input, require(encoder, encoder.reads().getOrDefault(input, input), values)));
    Map<String, Tensor> outputs = executable.run(inputs);
    var written = new HashMap<String, Tensor>();
    encoder
        .writes()
        .forEach((output, value) -> written.put(value, require(encoder, output, outputs)));
    return written;
  }

  /** How the clips' own encoder tells the network of pictures. */
  private PictureLatents latents(ComponentDescription encoder) {
    PictureUse use =
        parts
            .description()
            .flow()
            .pictures()
            .orElseThrow(
                () ->
                    new CheckpointException(
                        "%s: writes %s, but pictures say nothing of how"
                            .formatted(encoder.name(), encoder.writes().values())));
    return new PictureLatents(use, parts.description().latents(), given.orElseGet(this::ownVae));
  }

  private VaeEncoder ownVae() {
    if (own.isEmpty()) {
      own = Optional.of(VaeEncoder.open(parts));
    }
    return own.get();
  }

  private static Tensor require(
      ComponentDescription component, String name, Map<String, Tensor> values) {
    return Optional.ofNullable(values.get(name))
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: expected a value '%s', found %s"
                        .formatted(component.name(), name, values.keySet())));
  }

  /** Frees the encoders. */
  @Override
  public void close() {
    loaded.values().forEach(Executable::close);
    loaded.clear();
    own.ifPresent(VaeEncoder::close);
    own = Optional.empty();
  }
}
