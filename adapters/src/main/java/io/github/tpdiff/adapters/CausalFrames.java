package io.github.tpdiff.adapters;

import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The frames that the causal layers of one segment see of earlier chunks, and those they keep for
 * the chunk that follows. Values are [batch, C, frames, height, width] with few frames.
 */
public final class CausalFrames {
  private final Chunk chunk;
  private final Map<String, Value> state = new LinkedHashMap<>();

  CausalFrames(Chunk chunk) {
    this.chunk = chunk;
  }

  public Chunk chunk() {
    return chunk;
  }

  /** The segment's graph: {@code value} as {@code output}, and the new state. */
  Graph graph(String name, String output, Value value) {
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put(output, value);
    outputs.putAll(state);
    return new Graph(name, outputs);
  }

  /**
   * What a layer sees: x after the last {@code count} frames of the chunk before, which it keeps.
   */
  public Value withContext(Value x, String layer, int count) {
    return withContext(x, layer, count, count);
  }

  /**
   * The same for a layer whose first chunk needs another number of frames than later ones: zeros
   * stand before the first.
   *
   * @param zeros before the first chunk
   * @param kept of every chunk, for the next
   */
  public Value withContext(Value x, String layer, int zeros, int kept) {
    Value before =
        chunk == Chunk.FIRST
            ? zeros(x, zeros)
            : Value.input(stateName(layer), x.shape().with(2, Dim.of(kept)).dims().toArray());
    Value seen = Value.concat(2, before, x);
    long frames = seen.dim(2).value();
    keep(layer, seen.slice(2, frames - kept, frames));
    return seen;
  }

  /** Frames of zeros beside x. */
  public static Value zeros(Value x, int frames) {
    return Value.constant(0).expand(x.shape().with(2, Dim.of(frames)).dims().toArray());
  }

  /** Keeps frames for the same layer in the chunk that follows. */
  public void keep(String layer, Value frames) {
    state.put(stateName(layer) + ".next", frames);
  }

  private static String stateName(String layer) {
    return layer + ".cache";
  }

  /** A convolution with a bias. */
  public static Value conv(Value x, String name, Op.Conv attributes, Value weight) {
    return x.conv(attributes, weight, Value.weight(name + ".bias", weight.dim(0).value()));
  }
}
