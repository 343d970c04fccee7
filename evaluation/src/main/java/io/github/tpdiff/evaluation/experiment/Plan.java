package io.github.tpdiff.evaluation.experiment;

import static com.google.common.base.Preconditions.checkArgument;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.tpdiff.evaluation.shapes.ShapeSet;
import io.github.tpdiff.lora.data.ClipSize;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What an experiment does. What a plan leaves out has the default that stands here.
 *
 * @param title of the report
 * @param about what it is to show
 * @param starts checkpoints that arms begin from, by name
 * @param data what all arms are trained on
 * @param base sections of a job file that all arms have in common
 * @param budget of computing
 * @param seeds every arm is trained with the seeds 0 to this, exclusive
 * @param quality how it is measured
 * @param speed at what sizes generating is timed beside; empty not at all
 * @param arms what is compared, by name, in the order of the report
 */
public record Plan(
    String title,
    Optional<String> about,
    Map<String, Start> starts,
    Data data,
    Map<String, Object> base,
    Budget budget,
    int seeds,
    Quality quality,
    Optional<Speed> speed,
    Map<String, Arm> arms) {
  /** Names are parts of paths. */
  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{0,63}");

  /**
   * A checkpoint to begin from: a folder, or made up and trained in vanilla first.
   *
   * @param path of the folder, relative to the plan
   * @param template of the made-up one, as {@code tpdiff new-checkpoint} lists them
   * @param vanillaSteps of the made-up one, how long all its weights are trained, as {@code base}
   *     says, before any arm begins
   * @param job sections of a job file for that training, whose keys count more than those of {@code
   *     base}
   * @param data what that training is on, where it is not what the arms are trained on: another
   *     domain
   */
  public record Start(
      Optional<String> path,
      Optional<String> template,
      @JsonProperty("vanilla_steps") Optional<Integer> vanillaSteps,
      Map<String, Object> job,
      Optional<Data> data) {
    /**
     * @throws IllegalArgumentException if not exactly one of the two is said
     */
    public Start {
      job = Collections.unmodifiableMap(new LinkedHashMap<>(orEmpty(job)));
      checkArgument(
          path.isPresent() != template.isPresent(), "expected either 'path' or 'template'");
      checkArgument(
          vanillaSteps.isEmpty() || template.isPresent(),
          "vanilla_steps: goes with 'template': a checkpoint of yours is not changed");
      checkArgument(
          data.isEmpty() || template.isPresent(),
          "data: goes with 'template': a checkpoint of yours is not changed");
      checkArgument(
          vanillaSteps.orElse(0) >= 0,
          "vanilla_steps: at least 0, found %s",
          vanillaSteps.orElse(0));
    }
  }

  /**
   * Shapes that are drawn for it, or a folder or list.
   *
   * @param path of the folder or list, relative to the plan
   */
  public record Data(Optional<ShapeSet> shapes, Optional<String> path) {
    /**
     * @throws IllegalArgumentException if not exactly one of the two is said
     */
    public Data {
      checkArgument(shapes.isPresent() != path.isPresent(), "expected either 'shapes' or 'path'");
    }
  }

  /**
   * What every arm spends: the FLOPs that the arm which it is held against takes for so many steps.
   *
   * @param steps of that arm
   * @param points at which quality is measured, each at twice the computing of the one before; the
   *     last is the whole
   */
  public record Budget(int steps, int points) {
    public Budget {
      checkArgument(points >= 1 && points <= 20, "points: expected 1 to 20, found %s", points);
      checkArgument(
          steps >= 1 << (points - 1),
          "steps: expected at least %s, one at the first of %s points, found %s",
          1 << (points - 1),
          points,
          steps);
    }

    /** Steps to the first point, which is before all others. */
    private double first() {
      return Math.scalb((double) steps, 1 - points);
    }

    /** Whether the points of the shorter one are the first of the longer one's. */
    boolean goesOnFrom(Budget other) {
      return first() == other.first();
    }
  }

  /**
   * What is generated at every point.
   *
   * @param clips how many; of shapes from captions that are not trained on
   * @param steps of the sampler, all stages together
   * @param guidance scale; 1 is none
   */
  public record Quality(int clips, int steps, double guidance) {
    public Quality {
      checkArgument(clips >= 1 && clips <= 10_000, "clips: expected 1 to 10000, found %s", clips);
      checkArgument(steps >= 1, "steps: at least 1, found %s", steps);
      checkArgument(guidance >= 0, "guidance: at least 0, found %s", guidance);
    }
  }

  /**
   * Videos whose denoising is timed, of weights as they are before training, which is as fast:
   * clips of quality are mostly so small that computing is the least of it.
   *
   * @param sizes such as {@code 256x256x81}, by the name of the start; arms of others are not timed
   * @param steps of the sampler, all stages together
   * @param rounds how often every arm has its turn
   */
  public record Speed(Map<String, String> sizes, int steps, int rounds) {
    public Speed {
      sizes = Collections.unmodifiableMap(new LinkedHashMap<>(orEmpty(sizes)));
      sizes.values().forEach(ClipSize::parse);
      checkArgument(steps >= 1, "steps: at least 1, found %s", steps);
      checkArgument(rounds >= 1 && rounds <= 100, "rounds: expected 1 to 100, found %s", rounds);
    }
  }

  /**
   * A way to train.
   *
   * @param about what it is
   * @param start by its name; may be left out where there is one
   * @param against the arm whose computing it is given and whose quality it is held against; itself
   *     if it is left out
   * @param job sections of a job file, whose keys count more than those of {@code base}; a key
   *     without a value takes that of {@code base} away
   * @param paper what the paper has for it, by what it is of, such as {@code training_speed_up}
   */
  public record Arm(
      Optional<String> about,
      Optional<String> start,
      Optional<String> against,
      Map<String, Object> job,
      Map<String, Double> paper) {
    public Arm {
      job = Collections.unmodifiableMap(new LinkedHashMap<>(orEmpty(job)));
      paper = Collections.unmodifiableMap(new LinkedHashMap<>(orEmpty(paper)));
    }
  }

  private static <V> Map<String, V> orEmpty(@Nullable Map<String, V> given) {
    return given == null ? Map.of() : given;
  }

  /**
   * @throws IllegalArgumentException if names do not go together, saying which
   */
  public Plan {
    starts = Collections.unmodifiableMap(new LinkedHashMap<>(orEmpty(starts)));
    base = Collections.unmodifiableMap(new LinkedHashMap<>(orEmpty(base)));
    arms = Collections.unmodifiableMap(new LinkedHashMap<>(orEmpty(arms)));
    checkArgument(data != null, "data: expected it");
    checkArgument(budget != null, "budget: expected it");
    checkArgument(quality != null, "quality: expected it");
    checkArgument(title != null && !title.isBlank(), "title: expected a text");
    checkArgument(!starts.isEmpty(), "starts: expected at least one");
    checkArgument(!arms.isEmpty(), "arms: expected at least one");
    checkArgument(seeds >= 1 && seeds <= 1000, "seeds: expected 1 to 1000, found %s", seeds);
    for (String name : starts.keySet()) {
      requireName("starts", name);
      checkArgument(starts.get(name) != null, "starts.%s: expected a path or template", name);
    }
    for (String name : speed.map(Speed::sizes).orElse(Map.of()).keySet()) {
      checkArgument(
          starts.containsKey(name),
          "speed.sizes: expected names of %s, found '%s'",
          starts.keySet(),
          name);
    }
    for (Map.Entry<String, Arm> arm : arms.entrySet()) {
      requireName("arms", arm.getKey());
      checkArgument(
          arm.getValue() != null,
          "arms.%s: expected keys such as 'job:', found nothing",
          arm.getKey());
      String start = arm.getValue().start().orElse("");
      checkArgument(
          starts.containsKey(start) || (start.isEmpty() && starts.size() == 1),
          "arms.%s.start: expected one of %s, found '%s'",
          arm.getKey(),
          starts.keySet(),
          start);
      Optional<String> other = arm.getValue().against();
      checkArgument(
          other.isEmpty() || arms.containsKey(other.get()),
          "arms.%s.against: expected one of %s, found '%s'",
          arm.getKey(),
          arms.keySet(),
          other.orElse(""));
      checkArgument(
          other.map(arms::get).flatMap(Arm::against).isEmpty(),
          "arms.%s.against: expected an arm that is held against none, found '%s'",
          arm.getKey(),
          other.orElse(""));
    }
  }

  private static void requireName(String place, String name) {
    checkArgument(
        NAME.matcher(name).matches(),
        "%s: expected a name of small letters, digits and -._, found '%s'",
        place,
        name);
  }

  /** The name of the checkpoint that an arm begins from. */
  String startOf(String arm) {
    return required(arm).start().orElseGet(() -> starts.keySet().iterator().next());
  }

  /** The size at which an arm's videos are timed, if they are. */
  Optional<ClipSize> timedSize(String arm) {
    return speed
        .flatMap(timed -> Optional.ofNullable(timed.sizes().get(startOf(arm))))
        .map(ClipSize::parse);
  }

  /** The arm that an arm is held against, itself perhaps. */
  String againstOf(String arm) {
    return required(arm).against().orElse(arm);
  }

  Arm required(String arm) {
    Arm found = arms.get(arm);
    checkArgument(found != null, "arms: expected one of %s, found '%s'", arms.keySet(), arm);
    return found;
  }

  /** Shares of the budget at which quality is measured, from less to all. */
  List<Double> shares() {
    var shares = new ArrayList<Double>();
    for (int i = budget.points() - 1; i >= 0; i--) {
      shares.add(Math.pow(2, -i));
    }
    return shares;
  }
}
