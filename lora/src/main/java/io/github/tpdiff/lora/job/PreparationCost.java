package io.github.tpdiff.lora.job;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.data.ClipSize;
import io.github.tpdiff.runtime.cost.CostModel;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.cost.WeightSizes;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Condition.Follows;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.NetworkInputs;
import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What encoding a job's clips takes, without doing any of it: the time of the autoencoder and the
 * size of what is kept.
 *
 * @param rows a line for each size and each grid that is encoded, the clips themselves before the
 *     smaller videos of them
 */
public record PreparationCost(List<Row> rows) {
  /**
   * One clip on one grid.
   *
   * @param size of the clip
   * @param strides of the grid; 1 for the clip itself
   * @param grid of the latents
   * @param seconds predicted for the autoencoder
   * @param bytes in the cache
   */
  public record Row(
      VideoSize size, GridFactor strides, LatentGrid grid, double seconds, long bytes) {}

  public PreparationCost {
    rows = List.copyOf(rows);
    checkArgument(!rows.isEmpty(), "preparation: expected at least one grid, found none");
  }

  /**
   * Prices a job's preparation.
   *
   * @param machine what the engine sustains here
   */
  public static PreparationCost of(ResolvedJob job, Machine machine) {
    var pricing = Pricing.of(job, machine);
    var rows = new ArrayList<Row>();
    for (VideoSize size : job.sizes()) {
      LatentShape full =
          size.latentShape(job.model().description().latents(), job.diffusion().stages());
      rows.add(pricing.row(size, GridFactor.ONE, full.grid()));
      if (job.diffusion().stages().targets() == Targets.PIXEL) {
        for (Stage stage : job.diffusion().plan(full.grid()).stages()) {
          if (!stage.strides().equals(GridFactor.ONE)) {
            rows.add(pricing.row(size, stage.strides(), stage.grid().size()));
          }
        }
      }
    }
    return new PreparationCost(rows);
  }

  /**
   * The autoencoder, chunk by chunk.
   *
   * @param pictures the conditions that are kept of every grid
   * @param once those that are kept of the clip itself alone
   * @param use how the autoencoder encodes pictures, if it does
   */
  private record Pricing(
      VideoModel model,
      Machine machine,
      List<Condition> pictures,
      List<Condition> once,
      Optional<PictureUse> use,
      Map<PictureSize, Chunks> known) {

    static Pricing of(ResolvedJob job, Machine machine) {
      Flow flow = job.model().description().flow();
      var following = new ArrayList<Condition>();
      var once = new ArrayList<Condition>();
      for (Condition condition : flow.conditions(true)) {
        boolean encoded =
            flow.writers(List.of(condition.name())).stream()
                .allMatch(writer -> job.model().find(writer.name()).isPresent());
        if (encoded) {
          (condition.follows() == Follows.FRAMES ? following : once).add(condition);
        }
      }
      boolean byAutoencoder =
          flow.find(ComponentDescription.VAE_ENCODER).stream()
              .flatMap(encoder -> encoder.writes().values().stream())
              .anyMatch(value -> following.stream().anyMatch(c -> c.name().equals(value)));
      return new Pricing(
          job.model(),
          machine,
          following,
          once,
          byAutoencoder ? flow.pictures() : Optional.empty(),
          new HashMap<>());
    }

    Row row(VideoSize size, GridFactor strides, LatentGrid grid) {
      ModelDescription.Latents latents = model.description().latents();
      VideoSize own = size.coarser(strides);
      double seconds = seconds(own, grid.frames());
      if (use.isPresent()) {
        seconds +=
            switch (use.get().given()) {
              case CLIP -> seconds(own, grid.frames());
              case FIRST_FRAME -> seconds(own, 1);
            };
      }
      var shape =
          new LatentShape(1, latents.channels(), grid.frames(), grid.height(), grid.width());
      long bytes = (long) Float.BYTES * shape.elements() + bytes(pictures, shape);
      return new Row(
          size,
          strides,
          grid,
          seconds,
          strides.equals(GridFactor.ONE) ? bytes + bytes(once, shape) : bytes);
    }

    private double seconds(VideoSize size, int latentFrames) {
      Chunks chunks =
          known.computeIfAbsent(
              new PictureSize(size.width(), size.height()), own -> Chunks.of(model, machine, own));
      return chunks.first() + (latentFrames - 1) * chunks.next();
    }

    private long bytes(List<Condition> conditions, LatentShape shape) {
      long bytes = 0;
      for (Condition condition : conditions) {
        long count = 1;
        for (long extent :
            condition.extents(NetworkInputs.sizes(model.description().flow(), shape))) {
          count = Math.multiplyExact(count, extent);
        }
        bytes += count * (condition.type() == ElementType.I64 ? Long.BYTES : Float.BYTES);
      }
      return bytes;
    }
  }

  /**
   * Seconds of the autoencoder.
   *
   * @param first for the first chunk of a clip
   * @param next for each of the others
   */
  private record Chunks(double first, double next) {
    private static final String SAMPLE = "sample";
    private static final String NEXT = ".next";

    static Chunks of(VideoModel model, Machine machine, PictureSize size) {
      ModelDescription.Latents latents = model.description().latents();
      Component next = model.require(ComponentDescription.VAE_ENCODER);
      Component first =
          model.find(ComponentDescription.first(ComponentDescription.VAE_ENCODER)).orElse(next);
      Map<String, long[]> begun = inputs(first, frames(latents.frames(1), size), Map.of());
      Map<String, long[]> state = first.program().shapes(begun);
      Map<String, long[]> going = inputs(next, frames(latents.temporalFactor(), size), state);
      return new Chunks(seconds(first, begun, machine), seconds(next, going, machine));
    }

    private static long[] frames(int count, PictureSize size) {
      return new long[] {1, RgbPicture.CHANNELS, count, size.height(), size.width()};
    }

    /** The shapes of a chunk and of the state that the one before leaves. */
    private static Map<String, long[]> inputs(
        Component encoder, long[] sample, Map<String, long[]> before) {
      var shapes = new HashMap<String, long[]>();
      for (String input : encoder.program().inputs().keySet()) {
        long[] kept = before.get(input + NEXT);
        shapes.put(input, input.equals(SAMPLE) || kept == null ? sample : kept);
      }
      return shapes;
    }

    private static double seconds(Component encoder, Map<String, long[]> inputs, Machine machine) {
      var cost = new CostModel(encoder.program(), WeightSizes.of(encoder.weights()));
      return machine.predictSeconds(cost.price(inputs));
    }
  }

  /** Predicted seconds of a clip, every size alike; of all grids. */
  public double seconds() {
    return rows.stream().mapToDouble(Row::seconds).sum() / sizes();
  }

  /** The same without the smaller videos. */
  public double latentSeconds() {
    return full().stream().mapToDouble(Row::seconds).sum() / sizes();
  }

  /** Bytes of a clip in the cache, every size alike; of all grids. */
  public double bytes() {
    return rows.stream().mapToDouble(Row::bytes).sum() / sizes();
  }

  /** The same without the smaller videos. */
  public double latentBytes() {
    return full().stream().mapToDouble(Row::bytes).sum() / sizes();
  }

  private List<Row> full() {
    return rows.stream().filter(row -> row.strides().equals(GridFactor.ONE)).toList();
  }

  private long sizes() {
    return full().size();
  }

  /**
   * A table for people; empty where clips alone are encoded.
   *
   * @param clips there are at most
   */
  public List<String> table(long clips) {
    if (full().size() == rows.size()) {
      return List.of();
    }
    var lines = new ArrayList<String>();
    lines.add(
        String.format(
            Locale.ROOT,
            "%-16s %-12s %12s %10s %12s",
            "encoded",
            "strides",
            "latents",
            "s/clip",
            "cache/clip"));
    for (Row row : rows) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%-16s %-12s %12s %10.3g %9.3f MB",
              ClipSize.of(row.size()),
              row.strides(),
              words(row.grid()),
              row.seconds(),
              row.bytes() / 1e6));
    }
    lines.add(
        String.format(
            Locale.ROOT,
            "encoding %d clips, or what of them is not cached: about %.0f s and %.3g GB, %.2f times"
                + " the time and %.2f times the space of targets: latent",
            clips,
            clips * seconds(),
            clips * bytes() / 1e9,
            seconds() / latentSeconds(),
            bytes() / latentBytes()));
    return lines;
  }

  /** Frames, rows and columns, such as {@code 21x60x104}. */
  static String words(LatentGrid grid) {
    return grid.frames() + "x" + grid.height() + "x" + grid.width();
  }
}
