package io.github.tpdiff.runtime.torch;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.github.tpdiff.runtime.engine.Activations;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Loss;
import io.github.tpdiff.runtime.engine.ProgramWeights;
import io.github.tpdiff.runtime.engine.Trainable;
import io.github.tpdiff.runtime.engine.TrainingEngine;
import io.github.tpdiff.runtime.graph.GradientPaths;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.weights.TensorSource;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Set;

/**
 * PyTorch through DJL: programs become TorchScript, weights are read where the checkpoint is
 * mapped, in the checkpoint's precision, and computed with in fp32 unless asked otherwise.
 *
 * <p>Loading the engine is process-wide and unpacks its native libraries once into DJL's cache
 * folder; nothing is downloaded and no usage is reported unless the user's own DJL settings say so.
 */
public final class TorchEngine implements Engine, TrainingEngine {
  private final Device device;
  private final String reason;
  private final Options options;

  /**
   * How programs are run.
   *
   * @param arithmetic of products
   * @param loss that training makes smaller
   * @param offload whether what can wait on the host does
   */
  record Options(Arithmetic arithmetic, Loss loss, boolean offload) {}

  /** The version of PyTorch that DJL's binding is made for; another one does not load. */
  public static final String BOUND_VERSION = LibTorch.boundVersion();

  private TorchEngine(Device device, String reason, Options options) {
    this.device = device;
    this.reason = reason;
    this.options = options;
  }

  private static TorchEngine on(Device device, String reason) {
    return new TorchEngine(device, reason, new Options(Arithmetic.FP32, Loss.squared(), false));
  }

  private TorchEngine with(Options others) {
    return new TorchEngine(device, reason, others);
  }

  /** Runs on the CPU. */
  public static TorchEngine cpu() {
    LibTorch.start();
    return on(Device.cpu(), "as asked");
  }

  /**
   * Runs on the first CUDA device.
   *
   * @throws IllegalStateException if the loaded PyTorch sees none
   */
  public static TorchEngine cuda() {
    if (LibTorch.start().getGpuCount() == 0) {
      throw new IllegalStateException(
          "PyTorch "
              + LibTorch.start().getVersion()
              + " sees no CUDA device; point PYTORCH_LIBRARY_PATH and PYTORCH_VERSION at a CUDA"
              + " build of libtorch, or choose the CPU");
    }
    return on(Device.gpu(0), "as asked");
  }

  /** Runs on the first CUDA device if the loaded PyTorch sees one, else on the CPU. */
  public static TorchEngine best() {
    return LibTorch.start().getGpuCount() > 0
        ? on(Device.gpu(0), "the first CUDA device")
        : on(Device.cpu(), "PyTorch sees no CUDA device");
  }

  /** This engine with products computed in other numbers; without this they are fp32. */
  public TorchEngine computing(Arithmetic other) {
    return with(new Options(other, options.loss(), options.offload()));
  }

  @Override
  public TorchEngine minimizing(Loss other) {
    return with(new Options(options.arithmetic(), other, options.offload()));
  }

  /**
   * Weights that are not trained stay on the host, and those that one segment alone reads are on
   * the device from shortly before it runs until another does; values between segments wait for the
   * backward pass on the host. Results are the same bit for bit.
   */
  @Override
  public TorchEngine offloading(boolean offload) {
    return with(new Options(options.arithmetic(), options.loss(), offload));
  }

  @Override
  public OptionalLong freeDeviceMemory() {
    return DeviceMemory.free(device);
  }

  @Override
  public String arithmetic() {
    return options.arithmetic().name().toLowerCase(Locale.ROOT);
  }

  @Override
  public String description() {
    return "PyTorch %s (DJL) on %s, %s%s"
        .formatted(
            LibTorch.start().getVersion(),
            device,
            reason,
            options.arithmetic() == Arithmetic.FP32 ? "" : ", products in bf16");
  }

  /** On a GPU. */
  @Override
  public boolean batchesPay() {
    return device.isGpu();
  }

  @Override
  public Executable load(Program program, TensorSource weights) {
    return loadProgram(program, weights);
  }

  TorchExecutable loadProgram(Program program, TensorSource weights) {
    ProgramWeights.check(program, weights);
    return new TorchExecutable(program, weights, options, newManager());
  }

  @Override
  public Trainable train(
      Program program, TensorSource weights, Set<String> trained, Activations activations) {
    return trainProgram(program, weights, trained, activations);
  }

  TorchTrainable trainProgram(
      Program program, TensorSource weights, Set<String> trained, Activations activations) {
    var paths = new GradientPaths(program, trained);
    ProgramWeights.check(program, weights);
    return new TorchTrainable(
        weights, paths, new TorchTrainable.Passes(activations, options), newManager());
  }

  /**
   * Opens a network that someone else saved as TorchScript.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if the file is none
   */
  public ScriptedNetwork open(Path script) {
    return ScriptedNetwork.open(script, newManager());
  }

  private NDManager newManager() {
    return LibTorch.start().newBaseManager(device);
  }

  /** Nothing to free: what was loaded is freed when it is closed. */
  @Override
  public void close() {}
}
