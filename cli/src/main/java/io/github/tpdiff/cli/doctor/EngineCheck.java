package io.github.tpdiff.cli.doctor;

import io.github.tpdiff.runtime.cost.Calibration;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.engine.Engine;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * Opens an engine and, if that is asked, measures it.
 *
 * @param subject its name
 * @param opener of it
 * @param measures whether its speed is wanted
 */
record EngineCheck(String subject, Supplier<Engine> opener, boolean measures) implements Check {
  @Override
  public List<Finding> findings() {
    var found = new ArrayList<Finding>();
    try (Engine engine = opener.get()) {
      found.add(Finding.ok(subject, engine.description()));
      if (measures) {
        found.add(Finding.ok(subject, speed(Calibration.measure(engine))));
      }
    } catch (RuntimeException | LinkageError broken) {
      found.add(Finding.fault(subject, DoctorCommand.reason(broken)));
    }
    return found;
  }

  private static String speed(Machine machine) {
    return String.format(
        Locale.ROOT,
        "products %.0f, convolutions %.0f, attention %.0f GFLOP/s, memory %.1f GB/s, %.0f µs to start"
            + " an operation",
        machine.linear().flops() / 1e9,
        machine.conv().flops() / 1e9,
        machine.attentionFlops() / 1e9,
        machine.bytes() / 1e9,
        machine.nodeSeconds() * 1e6);
  }
}
