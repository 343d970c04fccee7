package io.github.tpdiff.adapters;

import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * A half of a causal video autoencoder under construction, for one kind of chunk: a segment for
 * each layer, over x [batch, C, frames, height, width].
 */
public final class CausalProgram {
  /** Makes a segment. */
  @FunctionalInterface
  public interface Layer {
    Value apply(CausalFrames frames, Value x);
  }

  private final Chunk chunk;
  private final List<Graph> segments = new ArrayList<>();
  private long frames;
  private long channels;

  public CausalProgram(Chunk chunk) {
    this.chunk = chunk;
  }

  /** Starts by a layer of a program input. */
  public void start(String name, Value input, Layer layer) {
    addTo(input, name, layer);
  }

  /** Goes on with a layer of what the layers so far give. */
  public void add(String name, Layer layer) {
    addTo(flow(), name, layer);
  }

  private void addTo(Value input, String name, Layer layer) {
    var state = new CausalFrames(chunk);
    Value result = layer.apply(state, input);
    segments.add(state.graph(name, flowAfter(segments.size() + 1), result));
    frames = result.dim(2).value();
    channels = result.dim(1).value();
  }

  /** What the layers so far give, which every later layer may see beside its own input. */
  public Value flow() {
    return Value.input(flowAfter(segments.size()), "batch", channels, frames, "height", "width");
  }

  private static String flowAfter(int segments) {
    return "x" + segments;
  }

  /** Channels of what the layers so far give. */
  public int channels() {
    return Math.toIntExact(channels);
  }

  /** Ends with a layer whose result is the program's {@code output}, beside the new state. */
  public Program finish(String half, String output, Layer layer) {
    var state = new CausalFrames(chunk);
    segments.add(state.graph(half + ".conv_out", output, layer.apply(state, flow())));
    var outputs = new ArrayList<>(List.of(output));
    for (Graph graph : segments) {
      graph.outputs().keySet().stream().filter(o -> o.endsWith(".next")).forEach(outputs::add);
    }
    return new Program("vae." + half, segments, outputs);
  }
}
