package io.github.tpdiff.cli.doctor;

import io.github.tpdiff.runtime.engine.HostMemory;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** The virtual machine, the processor and the memory. */
record PlatformCheck(Surroundings machine) implements Check {
  /** What libraries with native code come for, as Java says it. */
  private static final Set<String> PLATFORMS =
      Set.of("linux amd64", "mac os x aarch64", "windows amd64");

  private static final int LEAST_JAVA = 17;
  private static final double LITTLE_MEMORY = 4e9;

  @Override
  public List<Finding> findings() {
    return List.of(java(), platform(), processor(), memory());
  }

  private Finding java() {
    String version = machine.property("java.specification.version");
    String text =
        String.format(
            Locale.ROOT,
            "%s of %s, heap of at most %.1f GB",
            machine.property("java.version"),
            machine.property("java.vendor"),
            Runtime.getRuntime().maxMemory() / 1e9);
    return feature(version) >= LEAST_JAVA
        ? Finding.ok("java", text)
        : Finding.fault("java", "expected 17 or newer, found " + text + "; set JAVA_HOME");
  }

  /** Such as 17; 8 is called 1.8, which is older than all that count. */
  private static int feature(String version) {
    return version.matches("\\d{1,4}") ? Integer.parseInt(version) : 0;
  }

  private Finding platform() {
    String found = machine.property("os.name") + " " + machine.property("os.arch");
    String known = found.toLowerCase(Locale.ROOT).replace("x86_64", "amd64");
    boolean isKnown = PLATFORMS.contains(known.replaceAll("^windows .* ", "windows "));
    return isKnown
        ? Finding.ok("platform", found)
        : Finding.fault(
            "platform",
            "found "
                + found
                + "; PyTorch and ONNX Runtime come for Linux on x86-64, macOS on ARM and Windows on"
                + " x86-64");
  }

  private Finding processor() {
    int cores = Runtime.getRuntime().availableProcessors();
    List<String> lines = machine.lines("proc/cpuinfo");
    String name = field(lines, "model name").orElse("processor");
    String text = "%s, %d %s".formatted(name, cores, cores == 1 ? "core" : "cores");
    Optional<Set<String>> flags =
        field(lines, "flags").map(words -> Set.of(words.strip().split("\\s+")));
    if (flags.isEmpty()) {
      return Finding.ok("processor", text);
    }
    if (flags.get().contains("avx512f")) {
      return Finding.ok("processor", text + ", AVX-512");
    }
    return flags.get().contains("avx2")
        ? Finding.ok("processor", text + ", AVX2")
        : Finding.note(
            "processor",
            text
                + ", without AVX2: PyTorch and ONNX Runtime take their slowest code here, several"
                + " times slower; a virtual machine may hide what its host has");
  }

  private static Optional<String> field(List<String> lines, String name) {
    return lines.stream()
        .filter(line -> line.startsWith(name))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst();
  }

  private static Finding memory() {
    long available = HostMemory.availableBytes();
    String text = String.format(Locale.ROOT, "%.1f GB available", available / 1e9);
    return available >= LITTLE_MEMORY
        ? Finding.ok("memory", text)
        : Finding.note(
            "memory", text + ": enough for tiny checkpoints; published ones take 4 GB and more");
  }
}
