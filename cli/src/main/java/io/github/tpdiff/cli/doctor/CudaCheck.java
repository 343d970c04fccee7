package io.github.tpdiff.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** An NVIDIA driver, and the libraries that PyTorch and ONNX Runtime load beside it. */
record CudaCheck(Surroundings machine) implements Check {
  private static final String SUBJECT = "cuda";
  private static final String DRIVER = "proc/driver/nvidia/version";
  private static final Pattern DRIVER_VERSION =
      Pattern.compile("\\b(\\d{3,4})\\.\\d+(\\.\\d+)?\\b");

  /** The first that runs any CUDA 12 (NVIDIA's CUDA compatibility table). */
  private static final int LEAST_DRIVER = 525;

  /** Where loaders look, or installers put things, beside what variables name. */
  private static final List<String> FOLDERS =
      List.of("usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib", "usr/local/cuda/lib64");

  /** A library of CUDA 12, and whose it is. */
  private record Library(String name, int major, String origin) {
    String file() {
      return "lib%s.so.%s".formatted(name, major);
    }
  }

  private static final String TOOLKIT = "CUDA 12";
  private static final List<Library> LIBRARIES =
      List.of(
          new Library("cudart", 12, TOOLKIT),
          new Library("cublas", 12, TOOLKIT),
          new Library("cublasLt", 12, TOOLKIT),
          new Library("cufft", 11, TOOLKIT),
          new Library("curand", 10, TOOLKIT),
          new Library("cudnn", 9, "cuDNN 9 for CUDA 12"));

  @Override
  public List<Finding> findings() {
    List<String> driver = machine.lines(DRIVER);
    if (driver.isEmpty()) {
      return List.of(
          Finding.ok(SUBJECT, "no NVIDIA driver (/" + DRIVER + "): all runs on the processor"));
    }
    var found = new ArrayList<Finding>();
    found.add(driver(driver.get(0)));
    LIBRARIES.forEach(library -> found.add(find(library)));
    return found;
  }

  private static Finding driver(String line) {
    Matcher version = DRIVER_VERSION.matcher(line);
    if (!version.find()) {
      return Finding.note(SUBJECT, "driver of an unknown version: " + line);
    }
    return Integer.parseInt(version.group(1)) >= LEAST_DRIVER
        ? Finding.ok(SUBJECT, "driver " + version.group())
        : Finding.fault(
            SUBJECT,
            "driver: expected %d or newer, found %s; install a newer one"
                .formatted(LEAST_DRIVER, version.group()));
  }

  private Finding find(Library library) {
    List<Path> files =
        folders().stream()
            .flatMap(folder -> in(folder, "lib%s.so.".formatted(library.name)))
            .toList();
    Optional<Path> right =
        files.stream().filter(file -> major(library, file) == library.major).findFirst();
    if (right.isPresent()) {
      return Finding.ok(SUBJECT, right.get().toString());
    }
    String other = files.stream().findFirst().map(file -> "found only " + file).orElse("not found");
    return Finding.fault(
        SUBJECT,
        "expected %s, %s; install %s, or name its folder in LD_LIBRARY_PATH"
            .formatted(library.file(), other, library.origin));
  }

  private List<Path> folders() {
    var folders = new ArrayList<>(machine.folders("LD_LIBRARY_PATH"));
    folders.addAll(machine.folders("PYTORCH_LIBRARY_PATH"));
    FOLDERS.forEach(folder -> folders.add(machine.root().resolve(folder)));
    Path local = machine.root().resolve("usr/local");
    in(local, "cuda-").forEach(toolkit -> folders.add(toolkit.resolve("lib64")));
    return folders;
  }

  /** What a folder has whose names begin so, in their order; nothing of one that is not there. */
  private static Stream<Path> in(Path folder, String prefix) {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> String.valueOf(file.getFileName()).startsWith(prefix))
          .sorted()
          .toList()
          .stream();
    } catch (IOException absent) {
      return Stream.empty();
    }
  }

  /** Of {@code libcudnn.so.9.1.0} 9. */
  private static int major(Library library, Path file) {
    String version =
        String.valueOf(file.getFileName()).substring("lib.so.".length() + library.name.length());
    String first = version.split("\\.", 2)[0];
    return first.matches("\\d{1,4}") ? Integer.parseInt(first) : -1;
  }
}
