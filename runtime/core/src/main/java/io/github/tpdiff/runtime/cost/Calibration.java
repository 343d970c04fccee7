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
import java.util.function.Function;

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
   * Each rate from its own program, less what is known already. Those of products are the slope
   * between two lengths, so what does not grow with the length stays out of them; for products with
   * weights that is their other rate.
   */
  Machine fit() {
    double node = seconds(Probe.OVERHEAD) / work(Probe.OVERHEAD).nodes();
    return new Machine(
        products(Probe.LINEAR_SHORT, Probe.LINEAR_LONG, Work::linear, node),
        products(Probe.CONV_SHORT, Probe.CONV_LONG, Work::conv, node),
        slope(Probe.ATTENTION_SHORT, Probe.ATTENTION_LONG),
        work(Probe.ELEMENTWISE).bytes() / rest(Probe.ELEMENTWISE, node),
        node);
  }

  private Machine.Products products(
      Probe shorter, Probe longer, Function<Work, Work.Products> part, double nodeSeconds) {
    double flops = slope(shorter, longer);
    Work.Products work = part.apply(work(shorter));
    double waiting = rest(shorter, nodeSeconds) - work.flops() / flops;
    return new Machine.Products(flops, work.weights() / above(waiting, seconds(shorter)));
  }

  /** FLOPs per second between two lengths. */
  private double slope(Probe shorter, Probe longer) {
    return (double) (work(longer).flops() - work(shorter).flops())
        / above(seconds(longer) - seconds(shorter), seconds(longer));
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
