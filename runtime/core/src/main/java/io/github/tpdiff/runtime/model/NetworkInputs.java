package io.github.tpdiff.runtime.model;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.StageGrid;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Program;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What a network is given and what it gives: its conditions, and in every step
 *
 * <pre>
 *   hidden_states        F32 [batch, C, frames, height, width]   noisy latents
 *   timestep             F32 [batch]                             on the checkpoint's own scale
 *   temporal_positions   F32 [frames]                            of the stage's frames
 *   row_positions        F32 [height]                            of its latent rows
 *   column_positions     F32 [width]                             of its latent columns
 *   out_hidden_states    F32 [batch, C, frames, height, width]   the prediction
 * </pre>
 */
public final class NetworkInputs {
  public static final String LATENTS = "hidden_states";
  public static final String TIMESTEP = "timestep";
  public static final String POSITIONS = "temporal_positions";
  public static final String ROWS = "row_positions";
  public static final String COLUMNS = "column_positions";
  public static final String PREDICTION = "out_hidden_states";

  private NetworkInputs() {}

  /**
   * What changes in every step.
   *
   * @param timesteps one for each clip of the batch
   * @param grid of the latents
   */
  public static Map<String, Tensor> step(Latents noisy, List<Double> timesteps, StageGrid grid) {
    var inputs = new LinkedHashMap<String, Tensor>();
    inputs.put(LATENTS, tensor(noisy));
    var times = new float[timesteps.size()];
    for (int i = 0; i < times.length; i++) {
      times[i] = timesteps.get(i).floatValue();
    }
    inputs.put(TIMESTEP, Tensor.ofFloats(times, times.length));
    inputs.put(POSITIONS, positions(grid.positions(GridAxis.TIME)));
    inputs.put(ROWS, positions(grid.positions(GridAxis.HEIGHT)));
    inputs.put(COLUMNS, positions(grid.positions(GridAxis.WIDTH)));
    return inputs;
  }

  /** Positions along an axis as a network takes them. */
  public static Tensor positions(int[] places) {
    var positions = new float[places.length];
    for (int i = 0; i < positions.length; i++) {
      positions[i] = places[i];
    }
    return Tensor.ofFloats(positions, positions.length);
  }

  /** Latents as engines take them. */
  public static Tensor tensor(Latents latents) {
    return Tensor.ofFloats(latents.data(), extents(latents.shape()));
  }

  /** [batch, C, frames, height, width]. */
  public static long[] extents(LatentShape shape) {
    return new long[] {
      shape.batch(), shape.channels(), shape.frames(), shape.height(), shape.width()
    };
  }

  /**
   * The shape of every input of a network or a part of one, by name.
   *
   * @throws io.github.tpdiff.runtime.graph.GraphException if an input's shape does not follow from
   *     the latents and the flow's sizes
   */
  public static Map<String, long[]> shapes(Program program, Flow flow, LatentShape latents) {
    Map<String, Long> sizes = sizes(flow, latents);
    var shapes = new HashMap<String, long[]>();
    program.inputs().forEach((name, value) -> shapes.put(name, value.shape().evaluate(sizes)));
    return shapes;
  }

  /** The sizes of all symbols in a network's shapes. */
  public static Map<String, Long> sizes(Flow flow, LatentShape latents) {
    var sizes = new HashMap<>(flow.sizes());
    sizes.put("batch", (long) latents.batch());
    sizes.put("frames", (long) latents.frames());
    sizes.put("height", (long) latents.height());
    sizes.put("width", (long) latents.width());
    return sizes;
  }

  /**
   * Joins tensors along their first axis.
   *
   * @throws IllegalArgumentException if they differ in type or another axis
   */
  static Tensor join(String name, List<Tensor> tensors) {
    Tensor first = tensors.get(0);
    if (tensors.size() == 1) {
      return first;
    }
    long rows = 0;
    long bytes = 0;
    for (Tensor tensor : tensors) {
      checkArgument(
          tensor.type() == first.type() && Arrays.equals(row(tensor), row(first)),
          "%s: tensors of one batch must share a shape, found %s and %s",
          name,
          first,
          tensor);
      rows += tensor.shape()[0];
      bytes += tensor.bytes().remaining();
    }
    ByteBuffer joined =
        ByteBuffer.allocateDirect(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
    tensors.forEach(tensor -> joined.put(tensor.bytes()));
    long[] shape = first.shape();
    shape[0] = rows;
    return Tensor.of(first.type(), shape, joined.flip());
  }

  private static long[] row(Tensor tensor) {
    long[] shape = tensor.shape();
    return Arrays.copyOfRange(shape, 1, shape.length);
  }

  /**
   * Of each block of {@code stride} places along an axis the first, or the mean.
   *
   * @param axis after the batch
   */
  static Tensor coarser(Tensor tensor, int axis, int stride, Downsampling downsampling) {
    long[] shape = tensor.shape();
    int places = (int) shape[axis] / stride;
    if (downsampling == Downsampling.STRIDE || tensor.type() != ElementType.F32) {
      int[] first = IntStream.range(0, places).map(n -> n * stride).toArray();
      return select("axis " + axis, tensor, axis, first);
    }
    int inner = 1;
    for (int i = axis + 1; i < shape.length; i++) {
      inner *= (int) shape[i];
    }
    float[] from = tensor.toFloatArray();
    var means = new float[from.length / stride];
    for (int block = 0; block < means.length / inner; block++) {
      for (int i = 0; i < inner; i++) {
        double sum = 0;
        for (int j = 0; j < stride; j++) {
          sum += from[(block * stride + j) * inner + i];
        }
        means[block * inner + i] = (float) (sum / stride);
      }
    }
    shape[axis] = places;
    return Tensor.ofFloats(means, shape);
  }

  /**
   * Some indices of one axis of a tensor, in the order given.
   *
   * @throws IllegalArgumentException if there is no such index
   */
  static Tensor select(String name, Tensor tensor, int axis, int[] indices) {
    long[] shape = tensor.shape();
    int outer = 1;
    for (int i = 0; i < axis; i++) {
      outer *= (int) shape[i];
    }
    int width = tensor.type() == ElementType.F32 ? Float.BYTES : Long.BYTES;
    for (int i = axis + 1; i < shape.length; i++) {
      width = Math.multiplyExact(width, (int) shape[i]);
    }
    ByteBuffer from = tensor.bytes();
    int base = from.position();
    ByteBuffer chosen =
        ByteBuffer.allocateDirect(Math.multiplyExact(outer * indices.length, width))
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int o = 0; o < outer; o++) {
      for (int index : indices) {
        checkArgument(
            index < shape[axis],
            "%s: expected a frame for position %s, found %s frames",
            name,
            index,
            shape[axis]);
        chosen.put(from.slice(base + (o * (int) shape[axis] + index) * width, width));
      }
    }
    shape[axis] = indices.length;
    return Tensor.of(tensor.type(), shape, chosen.flip());
  }
}
