package io.github.tpdiff.runtime.cost;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.MemoryTensors;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/** Times small programs on an engine and fits a {@link Machine} to them. */
public final class Calibration {
  private static final int WARM_UPS = 2;
  private static final int RUNS = 5;

  /**
   * How large the programs are.
   *
   * @param tokens of the shorter sequence; the longer has twice as many
   * @param width a multiple of 128, the width of a head
   */
  public record Size(int tokens, int width) {
    /** A second or two on two cores. */
    public static final Size USUAL = new Size(1024, 768);

    public Size {
      checkArgument(tokens >= 1, "calibration tokens: at least 1, found %s", tokens);
      checkArgument(
          width >= 128 && width % 128 == 0,
          "calibration width: expected a multiple of 128, found %s",
          width);
    }
  }

  private final Size size;
  private final Map<Probe, Double> seconds;

  Calibration(Size size, Map<Probe, Double> seconds) {
    this.size = size;
    this.seconds = Collections.unmodifiableMap(new EnumMap<>(seconds));
  }

  /** The machine that {@code engine} makes of this device, at the usual size. */
  public static Machine measure(Engine engine) {
    return measure(engine, Size.USUAL);
  }

  public static Machine measure(Engine engine, Size size) {
    var seconds = new EnumMap<Probe, Double>(Probe.class);
    for (Probe probe : Probe.values()) {
      seconds.put(probe, best(engine, probe.program(size), probe.inputShapes(size)));
    }
    return new Calibration(size, seconds).fit();
  }

  /** The best of a few runs: what else the computer does only ever adds. */
  private static double best(Engine engine, Program program, Map<String, long[]> shapes) {
    double best = Double.POSITIVE_INFINITY;
    Tensor x = filled(Objects.requireNonNull(shapes.get("x")));
    try (var weights = weights(program);
        Executable executable = engine.load(program, weights)) {
      for (int run = -WARM_UPS; run < RUNS; run++) {
        long start = System.nanoTime();
        executable.run(Map.of("x", x));
        double elapsed = (System.nanoTime() - start) / 1e9;
        best = run < 0 ? best : Math.min(best, elapsed);
      }
    }
    return best;
  }

  private static MemoryTensors weights(Program program) {
    var builder = MemoryTensors.builder();
    program
        .weights()
        .forEach(
            (name, value) -> {
              Tensor tensor = filled(value.shape().evaluate(Map.of()));
              var extents = Arrays.stream(tensor.shape()).boxed().toList();
              builder.addFloats(name, extents, tensor.toFloatArray());
            });
    return builder.build();
  }

  /** Values of ordinary size: zeros and denormals run at other speeds. */
  private static Tensor filled(long[] shape) {
    Tensor tensor = Tensor.zeros(shape);
    var floats = tensor.floats();
    for (int i = 0; i < floats.capacity(); i++) {
      floats.put(i, (i % 13 - 6) * 0.01f);
    }
    return tensor;
  }

  /**
   * Each rate from its own program, less what is known already. Attention's is the slope between
   * two lengths, so what does not grow with their square stays out of it.
   */
  Machine fit() {
    double node = seconds(Probe.OVERHEAD) / work(Probe.OVERHEAD).nodes();
    double bytes = work(Probe.ELEMENTWISE).bytes() / rest(Probe.ELEMENTWISE, node);
    double attention =
        (double) (work(Probe.ATTENTION_LONG).flops() - work(Probe.ATTENTION_SHORT).flops())
            / above(
                seconds(Probe.ATTENTION_LONG) - seconds(Probe.ATTENTION_SHORT),
                seconds(Probe.ATTENTION_LONG));
    return new Machine(
        work(Probe.LINEAR).linearFlops() / rest(Probe.LINEAR, node),
        work(Probe.CONV).convFlops() / rest(Probe.CONV, node),
        attention,
        bytes,
        node);
  }

  private double rest(Probe probe, double nodeSeconds) {
    return above(seconds(probe) - work(probe).nodes() * nodeSeconds, seconds(probe));
  }

  /** A noisy clock may leave nothing; a tenth of the time is the least that is believed. */
  private static double above(double rest, double whole) {
    return Math.max(rest, whole / 10);
  }

  private double seconds(Probe probe) {
    return Objects.requireNonNull(seconds.get(probe));
  }

  private Work work(Probe probe) {
    var model = new CostModel(probe.program(size), WeightSizes.all(DType.F32));
    return model.price(probe.inputShapes(size)).work();
  }
}
