package io.github.tpdiff.runtime.onnx;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.RunOptions;
import ai.onnxruntime.TensorInfo;
import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import io.github.tpdiff.runtime.engine.Cancellation;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * An open graph.
 *
 * <p>Inputs are read where they lie. Results are written straight into the returned tensors once a
 * run with the same input shapes has told their shapes; the first such run copies.
 */
final class OnnxSession implements AutoCloseable {
  /** Of one clip there are a few for each stage; a service meets many clips. */
  private static final int KNOWN_SHAPES = 64;

  private final String name;
  private final OrtEnvironment environment;
  private final OrtSession session;
  private final Runnable release;
  private final Map<String, InputForm> inputs;
  private final Cache<Map<String, List<Long>>, Map<String, long[]>> resultShapes =
      CacheBuilder.newBuilder().maximumSize(KNOWN_SHAPES).build();

  /**
   * @param name for messages
   * @param release runs when the session is closed
   */
  OnnxSession(String name, OrtEnvironment environment, OrtSession session, Runnable release)
      throws OrtException {
    this.name = name;
    this.environment = environment;
    this.session = session;
    this.release = release;
    this.inputs = new LinkedHashMap<>();
    for (Map.Entry<String, NodeInfo> input : session.getInputInfo().entrySet()) {
      inputs.put(input.getKey(), InputForm.of((TensorInfo) input.getValue().getInfo()));
    }
  }

  String name() {
    return name;
  }

  /** What must be given. */
  Map<String, InputForm> inputs() {
    return inputs;
  }

  List<String> outputNames() {
    return List.copyOf(session.getOutputNames());
  }

  /** Who else takes part in a run: what gives optional inputs, and what may end it. */
  record Around(List<BoundAdapter> adapters, Cancellation cancellation) {}

  /**
   * Runs once.
   *
   * @throws java.util.concurrent.CancellationException if it was cancelled before its end
   */
  Map<String, Tensor> run(Map<String, Tensor> given, Around around) {
    around.cancellation().check();
    var shapes = new HashMap<String, List<Long>>();
    given.forEach((input, tensor) -> shapes.put(input, toList(tensor.shape())));
    var open = new ArrayList<OnnxTensor>();
    try {
      var feeds = new LinkedHashMap<String, OnnxTensor>();
      for (Map.Entry<String, Tensor> input : given.entrySet()) {
        feeds.put(input.getKey(), wrap(input.getValue(), open));
      }
      Map<String, long[]> known = resultShapes.getIfPresent(shapes);
      if (known != null) {
        return runInto(feeds, known, open, around);
      }
      Map<String, Tensor> results = runAndCopy(feeds, around);
      var learnt = new HashMap<String, long[]>();
      results.forEach((output, tensor) -> learnt.put(output, tensor.shape()));
      resultShapes.put(shapes, learnt);
      return results;
    } catch (OrtException failure) {
      around.cancellation().check(); // ended as asked
      throw OnnxException.running(name, failure);
    } finally {
      open.forEach(OnnxTensor::close);
    }
  }

  /** Runs until it is cancelled, into the pinned tensors or, without any, into new ones. */
  private OrtSession.Result call(
      Map<String, OnnxTensor> feeds, Map<String, OnnxTensor> pinned, Around around)
      throws OrtException {
    Set<String> made = pinned.isEmpty() ? session.getOutputNames() : Set.of();
    try (var options = new RunOptions()) {
      for (BoundAdapter adapter : around.adapters()) {
        adapter.activate(options);
      }
      Cancellation.Watch watch = around.cancellation().watch(() -> terminate(options));
      try {
        return session.run(feeds, made, pinned, options);
      } finally {
        watch.close();
      }
    }
  }

  private void terminate(RunOptions options) {
    try {
      options.setTerminate(true);
    } catch (OrtException failure) {
      throw new OnnxException(name + ": ONNX Runtime cannot end its run", failure);
    }
  }

  private Map<String, Tensor> runInto(
      Map<String, OnnxTensor> feeds,
      Map<String, long[]> shapes,
      List<OnnxTensor> open,
      Around around)
      throws OrtException {
    var results = new LinkedHashMap<String, Tensor>();
    var pinned = new LinkedHashMap<String, OnnxTensor>();
    for (Map.Entry<String, NodeInfo> output : session.getOutputInfo().entrySet()) {
      long[] shape = Objects.requireNonNull(shapes.get(output.getKey()));
      ElementType type = elementType((TensorInfo) output.getValue().getInfo());
      Tensor result = Tensor.of(type, shape, allocate(output.getKey(), type, shape));
      results.put(output.getKey(), result);
      pinned.put(output.getKey(), wrap(result, open));
    }
    call(feeds, pinned, around).close();
    return results;
  }

  private Map<String, Tensor> runAndCopy(Map<String, OnnxTensor> feeds, Around around)
      throws OrtException {
    var results = new LinkedHashMap<String, Tensor>();
    try (OrtSession.Result result = call(feeds, Map.of(), around)) {
      for (Map.Entry<String, OnnxValue> output : result) {
        var value = (OnnxTensor) output.getValue();
        ElementType type = elementType(value.getInfo());
        long[] shape = value.getInfo().getShape();
        ByteBuffer bytes = allocate(output.getKey(), type, shape);
        bytes.put(value.getByteBuffer()).flip();
        results.put(output.getKey(), Tensor.of(type, shape, bytes));
      }
    }
    return results;
  }

  private OnnxTensor wrap(Tensor tensor, List<OnnxTensor> open) throws OrtException {
    OnnxJavaType type = tensor.type() == ElementType.F32 ? OnnxJavaType.FLOAT : OnnxJavaType.INT64;
    OnnxTensor wrapped = OnnxTensor.createTensor(environment, tensor.bytes(), tensor.shape(), type);
    open.add(wrapped);
    return wrapped;
  }

  private ByteBuffer allocate(String output, ElementType type, long[] shape) {
    double bytes = type == ElementType.F32 ? Float.BYTES : Long.BYTES;
    for (long extent : shape) {
      bytes *= extent;
    }
    if (bytes > Integer.MAX_VALUE) {
      throw new CheckpointException(
          "%s: %s: expected at most 2 GB, found the shape %s; a smaller video needs less"
              .formatted(name, output, toList(shape)));
    }
    return ByteBuffer.allocateDirect((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  static ElementType elementType(TensorInfo info) {
    return switch (info.type) {
      case FLOAT -> ElementType.F32;
      case INT64 -> ElementType.I64;
      default -> throw new IllegalArgumentException("tensors of " + info.type + " are not used");
    };
  }

  private static List<Long> toList(long[] shape) {
    return java.util.Arrays.stream(shape).boxed().toList();
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException failure) {
      throw new OnnxException(name + ": ONNX Runtime cannot close it", failure);
    } finally {
      release.run();
    }
  }
}
