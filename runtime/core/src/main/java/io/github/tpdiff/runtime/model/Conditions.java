package io.github.tpdiff.runtime.model;

import static com.google.common.base.Preconditions.checkArgument;

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
import java.util.stream.Stream;

/**
 * What a network is told of one prompt and picture, or of a batch of them: the values of its
 * conditions, at full rate.
 *
 * @param flow of the model
 * @param values by the conditions' names; of optional ones some may be absent
 */
public record Conditions(Flow flow, Map<String, Tensor> values) {
  public Conditions {
    values = Map.copyOf(values);
  }

  /**
   * Conditions of several clips as those of one batch. What only some are told, the others are told
   * zeros of.
   */
  public static Conditions join(List<Conditions> clips) {
    Conditions first = clips.get(0);
    var joined = new LinkedHashMap<String, Tensor>();
    clips.stream()
        .flatMap(clip -> clip.values.keySet().stream())
        .distinct()
        .forEach(
            name ->
                joined.put(
                    name,
                    NetworkInputs.join(
                        name, clips.stream().map(clip -> clip.orZeros(name, clips)).toList())));
    return new Conditions(first.flow, joined);
  }

  private Tensor orZeros(String name, List<Conditions> others) {
    Tensor own = values.get(name);
    if (own == null && flow.condition(name).map(Condition::optional).orElse(false)) {
      return others.stream()
          .flatMap(other -> Stream.ofNullable(other.values.get(name)))
          .map(told -> Condition.zeros(told.type(), told.shape()))
          .findFirst()
          .orElseThrow();
    }
    return require(name);
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
    var all = new HashMap<>(values);
    all.putAll(others);
    return new Conditions(flow, all);
  }

  /** The same told of no picture. */
  public Conditions withoutPictures() {
    var others = new HashMap<>(values);
    others.keySet().removeAll(pictures().keySet());
    return new Conditions(flow, others);
  }

  /** The values that pictures decide. */
  public Map<String, Tensor> pictures() {
    var own = new HashMap<>(values);
    own.keySet().retainAll(flow.conditions(true).stream().map(Condition::name).toList());
    return own;
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

  private Tensor require(String name) {
    Tensor found = values.get(name);
    if (found == null) {
      throw new IllegalArgumentException(
          "conditions: expected '%s' of every clip of a batch, found none in one".formatted(name));
    }
    return found;
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
    return condition.follows() == Condition.Follows.FRAMES ? condition.at(grid, found) : found;
  }
}
