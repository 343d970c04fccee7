package io.github.tpdiff.runtime.model;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.Maps;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * What a network is told of one prompt and picture, or of a batch of them: the values of its
 * conditions, on the full grid.
 *
 * @param flow of the model
 * @param values by the conditions' names; of optional ones some may be absent
 * @param ofGrids those that stages of other grids are told instead, where they are videos of their
 *     own; elsewhere a stage is told what follows from the full grid ({@link Condition#at})
 */
public record Conditions(
    Flow flow, Map<String, Tensor> values, Map<LatentGrid, Map<String, Tensor>> ofGrids) {
  /**
   * @throws IllegalArgumentException if a value of a grid has none on the full grid beside it
   */
  public Conditions {
    values = Map.copyOf(values);
    var own = new HashMap<LatentGrid, Map<String, Tensor>>();
    for (var entry : ofGrids.entrySet()) {
      for (String name : entry.getValue().keySet()) {
        checkArgument(
            values.containsKey(name),
            "conditions: '%s' of the grid %s: expected one of the full grid beside it, found none",
            name,
            entry.getKey());
      }
      if (!entry.getValue().isEmpty()) {
        own.put(entry.getKey(), Map.copyOf(entry.getValue()));
      }
    }
    ofGrids = Map.copyOf(own);
  }

  /** Conditions of which every stage is told what follows from the full grid. */
  public Conditions(Flow flow, Map<String, Tensor> values) {
    this(flow, values, Map.of());
  }

  /**
   * Conditions of several clips as those of one batch. What only some are told, the others are told
   * zeros of.
   */
  public static Conditions join(List<Conditions> clips) {
    var ofGrids = new HashMap<LatentGrid, Map<String, Tensor>>();
    for (Conditions clip : clips) {
      clip.ofGrids.keySet().forEach(grid -> ofGrids.computeIfAbsent(grid, g -> joined(g, clips)));
    }
    Flow flow = clips.get(0).flow;
    return new Conditions(
        flow, joined(flow, clips.stream().map(Conditions::values).toList()), ofGrids);
  }

  private static Map<String, Tensor> joined(LatentGrid grid, List<Conditions> clips) {
    List<Map<String, Tensor>> told = clips.stream().map(clip -> clip.ofGrid(grid)).toList();
    Map<String, Tensor> joined = joined(clips.get(0).flow, told);
    for (Conditions clip : clips) {
      for (String name : joined.keySet()) {
        checkArgument(
            clip.ofGrid(grid).containsKey(name) || !clip.values.containsKey(name),
            "conditions: expected '%s' of the grid %s of every clip of a batch, found none in one",
            name,
            grid);
      }
    }
    return joined;
  }

  /** What a stage of a grid is told in place of what follows from the full grid, by name. */
  public Map<String, Tensor> ofGrid(LatentGrid grid) {
    return ofGrids.getOrDefault(grid, Map.of());
  }

  private static Map<String, Tensor> joined(Flow flow, List<Map<String, Tensor>> clips) {
    var joined = new HashMap<String, Tensor>();
    clips.stream()
        .flatMap(told -> told.keySet().stream())
        .distinct()
        .forEach(
            name ->
                joined.put(
                    name,
                    NetworkInputs.join(
                        name,
                        clips.stream().map(told -> orZeros(flow, name, told, clips)).toList())));
    return joined;
  }

  private static Tensor orZeros(
      Flow flow, String name, Map<String, Tensor> told, List<Map<String, Tensor>> others) {
    Tensor own = told.get(name);
    if (own != null) {
      return own;
    }
    checkArgument(
        flow.condition(name).map(Condition::optional).orElse(false),
        "conditions: expected '%s' of every clip of a batch, found none in one",
        name);
    return others.stream()
        .flatMap(other -> Stream.ofNullable(other.get(name)))
        .map(like -> Condition.zeros(like.type(), like.shape()))
        .findFirst()
        .orElseThrow();
  }

  /** Made-up numbers in place of all conditions of a model, for a clip of some latents. */
  public static Conditions noise(Flow flow, LatentShape latents) {
    Map<String, Long> sizes = NetworkInputs.sizes(flow, latents);
    var values = new HashMap<String, Tensor>();
    flow.conditions()
        .forEach(
            condition -> values.put(condition.name(), noise(condition, condition.extents(sizes))));
    return new Conditions(flow, values);
  }

  private static Tensor noise(Condition condition, long[] extents) {
    int count = Math.toIntExact(Arrays.stream(extents).reduce(1, Math::multiplyExact));
    if (condition.type() == ElementType.I64) {
      var ones = new long[count]; // a mask that leaves nothing out
      Arrays.fill(ones, 1);
      return Tensor.ofLongs(ones, extents);
    }
    var drawn = NoiseSource.seeded(1).draw(new LatentShape(1, 1, 1, 1, count));
    return Tensor.ofFloats(drawn.data(), extents);
  }

  /** These with others, which take the place of those of the same names. */
  public Conditions with(Map<String, Tensor> others) {
    return with(new Conditions(flow, others));
  }

  /** The same with what others are told of stages' grids. */
  public Conditions with(Conditions others) {
    Conditions kept = only(name -> !others.values.containsKey(name));
    var ofGrids = new HashMap<>(kept.ofGrids);
    others.ofGrids.forEach((grid, told) -> ofGrids.merge(grid, told, Conditions::union));
    return new Conditions(flow, union(kept.values, others.values), ofGrids);
  }

  private static Map<String, Tensor> union(Map<String, Tensor> one, Map<String, Tensor> other) {
    var all = new HashMap<>(one);
    all.putAll(other);
    return all;
  }

  /** The same told of no picture. */
  public Conditions withoutPictures() {
    return only(name -> !flow.isOfPicture(name));
  }

  /** What pictures decide of these. */
  public Conditions pictures() {
    return only(flow::isOfPicture);
  }

  private Conditions only(Predicate<String> names) {
    var ofGrids = new HashMap<LatentGrid, Map<String, Tensor>>();
    this.ofGrids.forEach((grid, told) -> ofGrids.put(grid, Maps.filterKeys(told, names::test)));
    return new Conditions(flow, Maps.filterKeys(values, names::test), ofGrids);
  }

  /**
   * How many frames of a stage pictures give, which nothing is predicted of, clip by clip: 0 unless
   * pictures {@linkplain PictureUse.Given#FIRST_FRAME take the place of the first}.
   */
  public int[] givenFrames(int clips) {
    var given = new int[clips];
    pictureLatents()
        .ifPresent(
            latents -> {
              FloatBuffer values = latents.floats();
              int clip = values.remaining() / clips;
              for (int i = 0; i < clips; i++) {
                given[i] = values.get(i * clip) > 0 ? 1 : 0;
              }
            });
    return given;
  }

  /**
   * Latents of one clip at full rate with the frames that pictures give in their place.
   *
   * @throws IllegalArgumentException if the picture's latents are of another size
   */
  public Latents withGivenFrames(Latents x) {
    if (givenFrames(1)[0] == 0) {
      return x;
    }
    LatentShape shape = x.shape();
    Tensor latents = pictureLatents().orElseThrow();
    FloatBuffer values = latents.floats();
    int clip = shape.frames() * shape.pixels();
    checkArgument(
        values.remaining() == clip * (shape.channels() + 1),
        "picture: expected latents for a clip of %s, found %s",
        shape,
        latents);
    float[] data = x.data().clone();
    for (int c = 0; c < shape.channels(); c++) {
      values.get((c + 1) * clip, data, c * clip, shape.pixels()); // the mask comes first
    }
    return Latents.of(shape, data);
  }

  /** What the VAE encoder tells of pictures, where that takes the place of a frame. */
  private Optional<Tensor> pictureLatents() {
    return flow.find(ComponentDescription.VAE_ENCODER)
        .filter(encoder -> flow.givesFirstFrame())
        .flatMap(encoder -> encoder.writes().values().stream().findFirst())
        .flatMap(name -> Optional.ofNullable(values.get(name)));
  }

  /** Whether a component's inputs change from stage to stage. */
  public boolean followStages(String component) {
    return reads(component).values().stream()
        .flatMap(value -> flow.condition(value).stream())
        .anyMatch(condition -> condition.follows() == Condition.Follows.FRAMES);
  }

  /**
   * The inputs of a component in one stage, by the names that its program has for them.
   *
   * @param stage the shape of the latents in the stage
   * @param grid of the stage
   * @throws CheckpointException if a condition is absent that is not optional
   */
  public Map<String, Tensor> inputs(String component, LatentShape stage, StageGrid grid) {
    var inputs = new LinkedHashMap<String, Tensor>();
    reads(component)
        .forEach((input, value) -> inputs.put(input, at(component, value, stage, grid)));
    return inputs;
  }

  private Map<String, String> reads(String component) {
    return flow.find(component).map(ComponentDescription::reads).orElse(Map.of());
  }

  private Tensor at(String component, String value, LatentShape stage, StageGrid grid) {
    Condition condition =
        flow.condition(value)
            .orElseThrow(
                () ->
                    new CheckpointException(
                        "%s: reads '%s', which is no condition of the model"
                            .formatted(component, value)));
    Tensor found = values.get(value);
    if (found == null && !condition.optional()) {
      throw new CheckpointException(
          "%s: expected the condition '%s', found none".formatted(component, value));
    }
    if (found == null) {
      return condition.absent(NetworkInputs.sizes(flow, stage));
    }
    if (condition.follows() == Condition.Follows.NOTHING) {
      return found;
    }
    Tensor own = ofGrid(grid.size()).get(value);
    return own == null ? condition.at(grid, found) : own;
  }
}
