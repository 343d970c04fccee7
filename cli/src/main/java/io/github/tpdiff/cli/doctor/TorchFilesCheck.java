package io.github.tpdiff.cli.doctor;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The PyTorch that variables name in place of the one that comes with the command.
 *
 * @param expected version that the binding is made for
 */
record TorchFilesCheck(Surroundings machine, String expected) implements Check {
  private static final String FOLDER = "PYTORCH_LIBRARY_PATH";
  private static final String VERSION = "PYTORCH_VERSION";

  /** Which of the binding's builds DJL takes: that for processors unless this says another. */
  private static final String FLAVOR = "PYTORCH_FLAVOR";

  /** The build for GPUs that the binding comes with. */
  private static final String CUDA_FLAVOR = "cu128";

  private static final List<String> LIBRARIES = List.of("libc10.so", "libtorch_cpu.so");

  @Override
  public List<Finding> findings() {
    Optional<String> folder = machine.variable(FOLDER);
    if (folder.isEmpty()) {
      return List.of();
    }
    return List.of(find(Path.of(folder.get())));
  }

  private Finding find(Path folder) {
    String subject = "torch path";
    for (String library : LIBRARIES) {
      if (!Files.exists(folder.resolve(library))) {
        return Finding.fault(
            subject,
            "%s=%s: expected a folder with %s, found none in it; name the folder lib of a PyTorch %s"
                .formatted(FOLDER, folder, library, expected));
      }
    }
    String version = machine.variable(VERSION).orElse(expected);
    // 2.7.1+cu128 is 2.7.1.
    if (!version.split("\\+", 2)[0].equals(expected)) {
      return Finding.fault(
          subject,
          "%s: expected %s beside %s, found %s; no other version fits the binding"
              .formatted(VERSION, expected, FOLDER, version));
    }
    if (!Files.exists(folder.resolve("libtorch_cuda.so"))) {
      return Finding.ok(subject, folder + ", without CUDA: it runs on the processor");
    }
    String flavor = machine.variable(FLAVOR).orElse("nothing");
    return flavor.equals(CUDA_FLAVOR)
        ? Finding.ok(subject, folder + ", with CUDA")
        : Finding.fault(
            subject,
            "%s: expected %s beside a PyTorch with CUDA, found %s"
                .formatted(FLAVOR, CUDA_FLAVOR, flavor));
  }
}
