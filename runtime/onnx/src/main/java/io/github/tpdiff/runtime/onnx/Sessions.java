package io.github.tpdiff.runtime.onnx;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtException.OrtErrorCode;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Opens ONNX Runtime sessions on one device with the options that this project's graphs need. */
final class Sessions {
  /**
   * Larger results are not computed ahead: without a bound the runtime keeps an fp32 copy of every
   * 16-bit weight.
   */
  private static final String FOLDING_LIMIT = Integer.toString(1 << 20);

  /** Below it lie the files that a model without a folder of its own may refer to. */
  private static final Path ROOT = temporaryFolder().toAbsolutePath().getRoot();

  private final OrtEnvironment environment = DeepStack.environment();
  private final boolean cuda;

  Sessions(boolean cuda) {
    this.cuda = cuda;
  }

  boolean onCuda() {
    return cuda;
  }

  OrtEnvironment environment() {
    return environment;
  }

  OrtSession open(Path model) throws OrtException {
    try (SessionOptions options = options()) {
      return environment.createSession(model.toString(), options);
    }
  }

  /** Whether the device has kernels for products in 16 bits. */
  boolean hasHalves() {
    return cuda;
  }

  /** Opens a model as it was written, every shape inferred and held to what the model declares. */
  void check(Path model) throws OrtException {
    try (SessionOptions options = options()) {
      options.setOptimizationLevel(OptLevel.NO_OPT);
      options.addConfigEntry("session.strict_shape_type_inference", "1");
      environment.createSession(model.toString(), options).close();
    } catch (OrtException failure) {
      // Said of a graph that was found well, on a device without kernels for it.
      if (failure.getCode() != OrtErrorCode.ORT_NOT_IMPLEMENTED) {
        throw failure;
      }
    }
  }

  /** A model from its bytes; its locations are as {@link #locationOf} gives them. */
  OrtSession open(byte[] model) throws OrtException {
    return open(model, ROOT);
  }

  /**
   * A model from its bytes.
   *
   * @param folder that its locations are relative to
   */
  OrtSession open(byte[] model, Path folder) throws OrtException {
    try (SessionOptions options = options()) {
      options.addConfigEntry(
          "session.model_external_initializers_file_folder_path", folder.toString());
      return environment.createSession(model, options);
    }
  }

  static Path temporaryFolder() {
    return Path.of(System.getProperty("java.io.tmpdir", "."));
  }

  /** How a model without a folder of its own refers to a file; empty on another drive. */
  static Optional<String> locationOf(Path file) {
    try {
      // Links are resolved here: the runtime refuses those that leave its folder.
      Path real = file.toRealPath();
      return ROOT.equals(real.getRoot())
          ? Optional.of(ROOT.relativize(real).toString().replace('\\', '/'))
          : Optional.empty();
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(file, failure), failure);
    }
  }

  /** Opens a graph of one node, to see whether the device can be used at all. */
  void probe() throws OrtException {
    var program =
        new Program(
            "probe", List.of(Graph.of("probe", "y", Value.input("x", 1).plus(1))), List.of("y"));
    byte[] model =
        ProgramLowering.lower(
                program,
                GraphForm.inFp32(OnnxFlavour.STANDARD),
                name -> {
                  throw new IllegalStateException("the probe has no weights");
                })
            .toByteArray();
    open(model).close();
  }

  private SessionOptions options() throws OrtException {
    var options = new SessionOptions();
    try {
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
      options.setIntraOpNumThreads(Runtime.getRuntime().availableProcessors());
      // Beyond EXTENDED, an fp16 weight whose cast is not folded can abort the process.
      options.setOptimizationLevel(OptLevel.EXTENDED_OPT);
      options.addConfigEntry(
          "optimization.constant_folding_max_output_size_in_bytes", FOLDING_LIMIT);
      // A plan of a run's memory lies beside what the first run took: of the weights that are
      // converted when they are used, more than all activations.
      options.setMemoryPatternOptimization(false);
      if (cuda) {
        options.addCUDA();
      }
      return options;
    } catch (OrtException failure) {
      options.close();
      throw failure;
    }
  }
}
