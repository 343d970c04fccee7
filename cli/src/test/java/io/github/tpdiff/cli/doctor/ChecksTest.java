package io.github.tpdiff.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.cli.doctor.Finding.Level;
import io.github.tpdiff.weights.NativeFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each check on a machine that is made up in a folder. */
final class ChecksTest {
  private static final List<String> CUDA =
      List.of(
          "libcudart.so.12",
          "libcublas.so.12.4.5",
          "libcublasLt.so.12",
          "libcufft.so.11",
          "libcurand.so.10",
          "libcudnn.so.9.1.0");

  @TempDir private Path root;

  private final Map<String, String> environment = new HashMap<>();
  private final Properties properties = new Properties();

  private Surroundings machine() {
    return new Surroundings(root, environment, properties);
  }

  private void write(String path, String text) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private void writeDriver(String version) throws IOException {
    write(
        "proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  " + version + "  Thu Jan 1 00:00:00\n");
  }

  private void writeCuda(String folder) throws IOException {
    for (String library : CUDA) {
      write(folder + "/" + library, "");
    }
  }

  private static List<String> faults(Check check) {
    return check.findings().stream().filter(Finding::isFault).map(Finding::text).toList();
  }

  @Test
  void aMachineWithoutADriver_runsOnTheProcessorWithoutAFault() {
    assertThat(new CudaCheck(machine()).findings())
        .singleElement()
        .satisfies(
            found -> {
              assertThat(found.level()).isEqualTo(Level.OK);
              assertThat(found.text()).contains("no NVIDIA driver");
            });
  }

  @ParameterizedTest
  @CsvSource({
    "usr/lib/x86_64-linux-gnu, ''",
    "usr/local/cuda-12.8/lib64, ''",
    "opt/cuda, opt/cuda"
  })
  void librariesAreFound_whereInstallersAndVariablesHaveThem(String folder, String named)
      throws IOException {
    writeDriver("550.54.15");
    writeCuda(folder);
    environment.put("LD_LIBRARY_PATH", named.isEmpty() ? "" : root.resolve(named).toString());
    assertThat(new CudaCheck(machine()).findings())
        .hasSize(7)
        .allMatch(found -> found.level() == Level.OK);
  }

  @Test
  void everyMissingLibraryIsNamed_withWhereItComesFrom() throws IOException {
    writeDriver("550.54.15");
    assertThat(faults(new CudaCheck(machine())))
        .hasSize(6)
        .first()
        .isEqualTo(
            "expected libcudart.so.12, not found; install CUDA 12, or name its folder in"
                + " LD_LIBRARY_PATH");
  }

  @Test
  void anotherVersionIsNamed_besideTheOneThatIsExpected() throws IOException {
    writeDriver("550.54.15");
    writeCuda("usr/lib64");
    Files.delete(root.resolve("usr/lib64/libcudnn.so.9.1.0"));
    write("usr/lib64/libcudnn.so.8", "");
    assertThat(faults(new CudaCheck(machine())))
        .containsExactly(
            "expected libcudnn.so.9, found only %s; install cuDNN 9 for CUDA 12, or name its folder in LD_LIBRARY_PATH"
                .formatted(root.resolve("usr/lib64/libcudnn.so.8")));
  }

  @Test
  void anOldDriverIsNamed() throws IOException {
    writeDriver("470.256.02");
    writeCuda("usr/lib64");
    assertThat(faults(new CudaCheck(machine())))
        .containsExactly("driver: expected 525 or newer, found 470.256.02; install a newer one");
  }

  @ParameterizedTest
  @CsvSource({
    "fpu sse4_2 avx avx2 avx512f, OK, AVX-512",
    "fpu sse4_2 avx avx2, OK, AVX2",
    "fpu sse4_2, NOTE, without AVX2",
    "fpu sse4_2 avx, NOTE, without AVX2",
  })
  void processorsWithoutWideInstructions_areNoted(String flags, Level level, String said)
      throws IOException {
    write("proc/cpuinfo", "processor\t: 0\nmodel name\t: A Processor\nflags\t\t: " + flags + "\n");
    assertThat(platform("processor").level()).isEqualTo(level);
    assertThat(platform("processor").text()).startsWith("A Processor, ").contains(said);
  }

  @ParameterizedTest
  @CsvSource({
    "Linux, amd64, OK",
    "Mac OS X, aarch64, OK",
    "Windows 11, amd64, OK",
    "Linux, aarch64, FAULT",
    "Mac OS X, x86_64, FAULT",
    "FreeBSD, amd64, FAULT",
  })
  void platformsWithoutLibraries_areFaults(String system, String processor, Level level) {
    properties.setProperty("os.name", system);
    properties.setProperty("os.arch", processor);
    assertThat(platform("platform").level()).isEqualTo(level);
  }

  @ParameterizedTest
  @CsvSource({"1.8, FAULT", "11, FAULT", "17, OK", "25, OK"})
  void oldJava_isAFault(String version, Level level) {
    properties.setProperty("java.specification.version", version);
    assertThat(platform("java").level()).isEqualTo(level);
  }

  private Finding platform(String subject) {
    return new PlatformCheck(machine())
        .findings().stream()
            .filter(found -> found.subject().equals(subject))
            .findFirst()
            .orElseThrow();
  }

  @Test
  void aFullFolder_isAFaultThatSaysHowMuchIsMissing() {
    var temporary = new NativeFolder(root, "something unpacks there", "set TMPDIR");
    var check =
        new FolderCheck(
            List.of(new FolderCheck.Need("temp folder", temporary, 64L << 20, "")),
            folder -> 40L << 20);
    assertThat(faults(check))
        .containsExactly(
            root + ": expected 64 MB free, found 40; something unpacks there, so set TMPDIR");
  }

  @Test
  void whatIsUnpackedAlready_needsNoRoom() throws IOException {
    Files.createDirectory(root.resolve("pytorch"));
    var torch = new NativeFolder(root, "something unpacks there", "set another");
    var check =
        new FolderCheck(
            List.of(new FolderCheck.Need("torch files", torch, 440L << 20, "pytorch")),
            folder -> 40L << 20);
    assertThat(faults(check)).isEmpty();
  }

  @Test
  void aFileInPlaceOfAFolder_isAFault() throws IOException {
    write("file", "");
    var folder = new NativeFolder(root.resolve("file"), "something unpacks there", "set another");
    var check =
        new FolderCheck(
            List.of(new FolderCheck.Need("torch files", folder, 1, "")), NativeFolder::freeBytes);
    assertThat(faults(check)).singleElement().asString().contains("cannot be written");
  }

  @Test
  void aTorchOfAnotherVersion_isAFault() throws IOException {
    write("torch/lib/libc10.so", "");
    write("torch/lib/libtorch_cpu.so", "");
    environment.put("PYTORCH_LIBRARY_PATH", root.resolve("torch/lib").toString());
    environment.put("PYTORCH_VERSION", "2.9.0+cu128");
    assertThat(faults(new TorchFilesCheck(machine(), "2.7.1")))
        .containsExactly(
            "PYTORCH_VERSION: expected 2.7.1 beside PYTORCH_LIBRARY_PATH, found 2.9.0+cu128; no"
                + " other version fits the binding");
    environment.put("PYTORCH_VERSION", "2.7.1+cu128");
    assertThat(new TorchFilesCheck(machine(), "2.7.1").findings())
        .extracting(Finding::text)
        .containsExactly(root.resolve("torch/lib") + ", without CUDA: it runs on the processor");
  }

  @Test
  void aTorchWithCuda_wantsTheBindingForIt() throws IOException {
    write("torch/lib/libc10.so", "");
    write("torch/lib/libtorch_cpu.so", "");
    write("torch/lib/libtorch_cuda.so", "");
    environment.put("PYTORCH_LIBRARY_PATH", root.resolve("torch/lib").toString());
    assertThat(faults(new TorchFilesCheck(machine(), "2.7.1")))
        .containsExactly(
            "PYTORCH_FLAVOR: expected cu128 beside a PyTorch with CUDA, found nothing");
    environment.put("PYTORCH_FLAVOR", "cu128");
    assertThat(new TorchFilesCheck(machine(), "2.7.1").findings())
        .extracting(Finding::text)
        .containsExactly(root.resolve("torch/lib") + ", with CUDA");
  }

  @Test
  void aFolderWithoutTorch_isAFault() {
    environment.put("PYTORCH_LIBRARY_PATH", root.toString());
    assertThat(faults(new TorchFilesCheck(machine(), "2.7.1")))
        .singleElement()
        .asString()
        .contains("expected a folder with libc10.so", "the folder lib of a PyTorch 2.7.1");
    environment.clear();
    assertThat(new TorchFilesCheck(machine(), "2.7.1").findings()).isEmpty();
  }

  @Test
  void anEngineThatDoesNotOpen_isAFaultWithItsReason() {
    var check =
        new EngineCheck(
            "torch",
            () -> {
              throw new UnsatisfiedLinkError("libc10.so: cannot open\nmore");
            },
            true);
    assertThat(faults(check)).containsExactly("libc10.so: cannot open");
  }
}
