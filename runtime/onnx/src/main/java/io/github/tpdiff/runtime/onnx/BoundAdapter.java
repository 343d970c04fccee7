package io.github.tpdiff.runtime.onnx;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoraAdapter;
import ai.onnxruntime.OrtSession.RunOptions;
import io.github.tpdiff.runtime.engine.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Values of optional inputs, held by the runtime, which copies them once: not for each run, and
 * without opening the session again.
 */
final class BoundAdapter implements AutoCloseable {
  /** One adapter ends at 2 GB; several are active together. */
  private static final long MOST_BYTES = 1 << 30;

  private final Set<String> names;
  private final List<OrtLoraAdapter> parts;

  private BoundAdapter(Set<String> names, List<OrtLoraAdapter> parts) {
    this.names = names;
    this.parts = parts;
  }

  /**
   * Hands values over.
   *
   * @throws OnnxException if the runtime does not take them
   */
  static BoundAdapter of(Map<String, Tensor> values) {
    var adapter = new BoundAdapter(Set.copyOf(values.keySet()), new ArrayList<>());
    var some = new LinkedHashMap<String, Tensor>();
    long bytes = 0;
    try {
      for (Map.Entry<String, Tensor> value : values.entrySet()) {
        long own = value.getValue().bytes().remaining();
        if (!some.isEmpty() && bytes + own > MOST_BYTES) {
          adapter.add(some);
          some.clear();
          bytes = 0;
        }
        some.put(value.getKey(), value.getValue());
        bytes += own;
      }
      adapter.add(some);
      return adapter;
    } catch (OrtException failure) {
      adapter.close();
      throw new OnnxException("ONNX Runtime does not take the LoRA", failure);
    }
  }

  private void add(Map<String, Tensor> values) throws OrtException {
    ByteBuffer file = AdapterFile.of(values);
    parts.add(OrtLoraAdapter.create(file));
  }

  /** The inputs that it gives. */
  Set<String> names() {
    return names;
  }

  /** Gives them to a run. */
  void activate(RunOptions options) throws OrtException {
    for (OrtLoraAdapter part : parts) {
      options.addActiveLoraAdapter(part);
    }
  }

  @Override
  public void close() {
    parts.forEach(OrtLoraAdapter::close);
    parts.clear();
  }
}
