package io.github.tpdiff.runtime.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.ProgramWeights;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.Folders;
import io.github.tpdiff.weights.NativeFolder;
import io.github.tpdiff.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs programs and exported graphs on ONNX Runtime.
 *
 * <p>F32, F16 and BF16 weights that lie in a file are read there and cast when used, and so are
 * eight-bit floats that layers multiply by; all others are written to a temporary file first,
 * 16-bit and F32 as they are, other types as F32.
 */
public final class OnnxEngine implements Engine {
  private static final Logger LOG = LoggerFactory.getLogger(OnnxEngine.class);

  private final Sessions sessions;
  private final OnnxFlavour flavour;
  private final String device;
  private final Precision precision;

  private OnnxEngine(Sessions sessions, OnnxFlavour flavour, String device, Precision precision) {
    this.sessions = sessions;
    this.flavour = flavour;
    this.device = device;
    this.precision = precision;
  }

  /** The same engine, which loads programs at a precision; exported graphs have their own. */
  public OnnxEngine computing(Precision other) {
    return new OnnxEngine(sessions, flavour, device, other);
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
      return new OnnxEngine(new Sessions(false), flavour, "CPU (asked for)", Precision.KEEP);
    }
    try {
      Sessions cuda = new Sessions(true);
      cuda.probe();
      return new OnnxEngine(cuda, flavour, "CUDA", Precision.KEEP);
    } catch (OrtException failure) {
      if (device == OnnxDevice.CUDA) {
        throw new OnnxException(
            "device CUDA: ONNX Runtime cannot use it (use AUTO or CPU, or put onnxruntime_gpu,"
                + " CUDA 12 and cuDNN 9 in place)",
            failure);
      }
      String reason = OnnxException.reason(failure);
      LOG.info("ONNX Runtime runs on the CPU: CUDA cannot be used: {}", reason);
      return new OnnxEngine(
          new Sessions(false), flavour, "CPU (no CUDA: " + reason + ")", Precision.KEEP);
    }
  }

  @Override
  public String description() {
    return "ONNX Runtime " + sessions.environment().getVersion() + " on " + device;
  }

  /** On CUDA. */
  @Override
  public boolean batchesPay() {
    return sessions.onCuda();
  }

  @Override
  public Executable load(Program program, TensorSource weights) {
    ProgramWeights.check(program, weights);
    Path folder = temporaryFolder();
    boolean loaded = false;
    try {
      var store = new WeightStore(folder, new RootPlacement());
      store.use(program.weights().keySet(), weights, WeightPlan.of(program, precision));
      Map<String, StoredWeight> stored = store.store();
      ModelProto model =
          ProgramLowering.lower(
              program,
              new GraphForm(flavour, precision.products()),
              name -> Objects.requireNonNull(stored.get(name)));
      OrtSession session = sessions.open(rounded(model).orElse(model).toByteArray());
      var open =
          new OnnxSession(
              program.name(), sessions.environment(), session, () -> Folders.delete(folder));
      loaded = true;
      return OnnxExecutable.of(open, new OnnxExecutable.Checks(Map.of(), program::shapes));
    } catch (OrtException failure) {
      throw new OnnxException(program.name() + ": ONNX Runtime cannot load it", failure);
    } finally {
      if (!loaded) {
        Folders.delete(folder);
      }
    }
  }

  /** What to run in place of a model that the device has no kernels for. */
  private Optional<ModelProto> rounded(ModelProto model) {
    return sessions.hasHalves() || !RoundedGraph.isNeeded(model)
        ? Optional.empty()
        : Optional.of(RoundedGraph.of(model));
  }

  private static Path temporaryFolder() {
    try {
      return Files.createTempDirectory(Sessions.temporaryFolder(), "tpdiff-onnx");
    } catch (IOException failure) {
      throw NativeFolder.temporary()
          .unusable("cannot be written: " + AtomicFile.reason(failure), failure);
    }
  }

  /** Files anywhere, from the root of the file system. */
  private static final class RootPlacement implements WeightStore.Placement {
    @Override
    public Optional<String> locate(Path file) {
      return Sessions.locationOf(file);
    }

    @Override
    public String locateCopies(Path file) {
      return Sessions.locationOf(file).orElseThrow();
    }
  }

  /**
   * Opens an exported graph; files with its weights are found relative to it. One that computes in
   * 16 bits does so where the device can, else in fp32, with the same roundings.
   */
  public Executable open(Path model) {
    if (!Files.isRegularFile(model)) {
      throw new CheckpointException("%s: no such file".formatted(model));
    }
    GraphFile graph = GraphFile.read(model);
    try {
      Optional<ModelProto> rounded = rounded(graph.model());
      OrtSession session =
          rounded.isPresent()
              ? sessions.open(
                  rounded.get().toByteArray(), model.toAbsolutePath().resolveSibling(""))
              : sessions.open(model);
      var open = new OnnxSession(model.toString(), sessions.environment(), session, () -> {});
      return OnnxExecutable.of(
          open, new OnnxExecutable.Checks(graph.optionalInputs(), shapes -> {}));
    } catch (OrtException failure) {
      throw new OnnxException(model + ": ONNX Runtime cannot open it", failure);
    }
  }

  /**
   * Opens an exported graph as it was written, without optimising it, with every shape inferred and
   * held to what the graph declares; and closes it.
   *
   * @throws OnnxException saying what does not fit
   */
  void check(Path model) {
    try {
      sessions.check(model);
    } catch (OrtException failure) {
      throw new OnnxException(model + ": strict shape inference", failure);
    }
  }

  /** Does nothing: what an engine opens is closed by itself. */
  @Override
  public void close() {}
}
