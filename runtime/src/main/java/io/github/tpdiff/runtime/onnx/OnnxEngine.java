package io.github.tpdiff.runtime.onnx;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs programs and exported graphs on ONNX Runtime.
 *
 * <p>F32, F16 and BF16 weights that lie in a file are read there and cast when used; all others are
 * converted to F32 in memory.
 */
public final class OnnxEngine implements Engine {
  private static final Logger LOG = LoggerFactory.getLogger(OnnxEngine.class);

  private final Sessions sessions;
  private final OnnxFlavour flavour;
  private final String device;

  private OnnxEngine(Sessions sessions, OnnxFlavour flavour, String device) {
    this.sessions = sessions;
    this.flavour = flavour;
    this.device = device;
  }

  /** An engine that lowers programs with ONNX Runtime's own operators. */
  public static OnnxEngine on(OnnxDevice device) {
    return on(device, OnnxFlavour.FUSED);
  }

  /**
   * An engine.
   *
   * @throws OnnxException if CUDA was asked for and cannot be used, with the reason
   */
  public static OnnxEngine on(OnnxDevice device, OnnxFlavour flavour) {
    if (device == OnnxDevice.CPU) {
      return new OnnxEngine(new Sessions(false), flavour, "CPU (asked for)");
    }
    try {
      Sessions cuda = new Sessions(true);
      cuda.probe();
      return new OnnxEngine(cuda, flavour, "CUDA");
    } catch (OrtException failure) {
      String reason = firstLine(failure);
      if (device == OnnxDevice.CUDA) {
        throw new OnnxException(
            "device CUDA: ONNX Runtime cannot use it: "
                + reason
                + "; use AUTO or CPU, or put onnxruntime_gpu, CUDA 12 and cuDNN 9 in place",
            failure);
      }
      LOG.info("ONNX Runtime runs on the CPU: CUDA cannot be used: {}", reason);
      return new OnnxEngine(new Sessions(false), flavour, "CPU (no CUDA: " + reason + ")");
    }
  }

  private static String firstLine(OrtException failure) {
    String message = String.valueOf(failure.getMessage());
    return message.lines().findFirst().orElse(message);
  }

  @Override
  public String description() {
    return "ONNX Runtime " + sessions.environment().getVersion() + " on " + device;
  }

  @Override
  public Executable load(Program program, TensorSource weights) {
    Map<String, TensorInfo> infos = WeightTable.check(program, weights);
    var stored = new HashMap<String, StoredWeight>();
    var handedOver = new LinkedHashMap<String, OnnxTensor>();
    boolean loaded = false;
    try {
      for (TensorInfo info : infos.values()) {
        stored.put(info.name(), place(info, weights, handedOver));
      }
      byte[] model =
          ProgramLowering.lower(program, flavour, name -> Objects.requireNonNull(stored.get(name)))
              .toByteArray();
      OrtSession session = sessions.open(model, handedOver);
      var open =
          new OnnxSession(program.name(), sessions.environment(), session, handedOver.values());
      loaded = true;
      return OnnxExecutable.of(open, program::shapes);
    } catch (OrtException failure) {
      throw new OnnxException(
          program.name() + ": ONNX Runtime cannot load it: " + failure.getMessage(), failure);
    } finally {
      if (!loaded) {
        handedOver.values().forEach(OnnxTensor::close);
      }
    }
  }

  /** Opens an exported graph; files with its weights are found relative to it. */
  public Executable open(Path model) {
    if (!Files.isRegularFile(model)) {
      throw new CheckpointException("%s: no such file".formatted(model));
    }
    try {
      OrtSession session = sessions.open(model);
      var open = new OnnxSession(model.toString(), sessions.environment(), session, List.of());
      return OnnxExecutable.of(open, shapes -> {});
    } catch (OrtException failure) {
      throw new OnnxException(
          model + ": ONNX Runtime cannot open it: " + failure.getMessage(), failure);
    }
  }

  private StoredWeight place(
      TensorInfo info, TensorSource source, Map<String, OnnxTensor> handedOver)
      throws OrtException {
    if (StoredWeight.isTakenAsIs(info.dtype())) {
      Optional<FileRegion> region = source.region(info.name());
      Optional<String> location = region.map(FileRegion::file).flatMap(Sessions::locationOf);
      if (region.isPresent() && location.isPresent()) {
        FileRegion place = region.get();
        return new StoredWeight(info.dtype(), location.get(), place.offset(), place.length());
      }
    }
    // As F32 always: while it optimises, the runtime looks for 16-bit weights in files only.
    ByteBuffer payload = converted(info, source);
    long[] shape = info.shape().stream().mapToLong(Long::longValue).toArray();
    handedOver.put(
        info.name(),
        OnnxTensor.createTensor(sessions.environment(), payload, shape, OnnxJavaType.FLOAT));
    return new StoredWeight(DType.F32, sessions.placeholder(), 0, payload.capacity());
  }

  private static ByteBuffer converted(TensorInfo info, TensorSource source) {
    if (info.elementCount() > Integer.MAX_VALUE / Float.BYTES) {
      throw new CheckpointException(
          "%s: tensor '%s' has %d elements, more than can be converted in memory; save it as F32,"
                  .formatted(source.origin(), info.name(), info.elementCount())
              + " F16 or BF16 in a safetensors file");
    }
    if (info.dtype() == DType.F32) {
      return source.bytes(info.name());
    }
    float[] values = source.floats(info.name());
    var bytes =
        ByteBuffer.allocateDirect(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes;
  }

  /** Does nothing: what an engine opens is closed by itself. */
  @Override
  public void close() {}
}
