package io.github.tpdiff.conformance.files;

import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.pickle.TorchFile;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Kind {@code files}: every file of a manifest is read to the values it names, or refused in one
 * line, within seconds, in little memory and without running anything.
 */
public final class FilesCase implements CaseKind.Plain {
  private static final int SECONDS_PER_FILE = 30;

  /** Heap that reading or refusing a file may take, and so much more for each byte of it. */
  private static final long HEAP = 64L << 20;

  private static final long HEAP_PER_BYTE = 16;

  /** In the place of outputs where no file has any. */
  private static final String NO_OUTPUT = "none";

  /** What hostile pickles would create if they were run. */
  private static final Path PAYLOAD_MARK = Path.of("PWNED");

  @Override
  public void check(GoldenCase golden, Checks checks) {
    boolean marked = Files.exists(PAYLOAD_MARK);
    Arguments manifest = golden.file(golden.args().findText("manifest").orElse("manifest.json"));
    List<ListedFile> files = manifest.entries("files").stream().map(ListedFile::of).toList();
    golden
        .args()
        .findInteger("count")
        .filter(count -> count != files.size())
        .ifPresent(
            count ->
                checks.fail(
                    "manifest: files: expected %d, as args.count has it, found %d"
                        .formatted(count, files.size())));
    for (ListedFile listed : files) {
      verdict(golden, listed, checks)
          .tell(why -> checks.fail(listed.file() + ": " + why), () -> checks.holds(listed.file()));
      if (!marked && Files.exists(PAYLOAD_MARK)) {
        checks.fail(listed.file() + ": its payload was run: it created " + PAYLOAD_MARK);
        marked = true;
      }
    }
    if (files.stream().allMatch(listed -> listed.outputs().isEmpty())) {
      checks.settled(NO_OUTPUT);
    }
    if (files.isEmpty()) {
      checks.fail("manifest: files: expected entries, found none");
    }
  }

  private static Verdict verdict(GoldenCase golden, ListedFile listed, Checks checks) {
    var task = new FutureTask<>(() -> measured(golden, listed, checks));
    var thread = new Thread(task, "conformance-file");
    thread.setDaemon(true);
    thread.start();
    try {
      return task.get(SECONDS_PER_FILE, TimeUnit.SECONDS);
    } catch (TimeoutException slow) {
      return Verdict.failed("was neither read nor refused within " + SECONDS_PER_FILE + " s");
    } catch (ExecutionException failure) {
      return Verdict.failed("expected a clear error, found " + failure.getCause());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return Verdict.failed("was interrupted");
    }
  }

  private static Verdict measured(GoldenCase golden, ListedFile listed, Checks checks) {
    long before = Allocated.byThisThread();
    Verdict verdict = read(golden, listed, checks);
    long taken = Allocated.byThisThread() - before;
    long most = HEAP + HEAP_PER_BYTE * golden.path(listed.file()).toFile().length();
    return taken <= most
        ? verdict
        : Verdict.failed("expected at most %d bytes of heap, it took %d".formatted(most, taken));
  }

  private static Verdict read(GoldenCase golden, ListedFile listed, Checks checks) {
    try (TensorSource source = open(golden.path(listed.file()))) {
      source.names().forEach(source::bytes);
      return listed.expected() == ListedFile.Expected.REJECT
          ? Verdict.failed("expected it to be refused, it was read")
          : new ListedTensors(listed).compare(source, checks);
    } catch (CheckpointException refused) {
      if (listed.expected() == ListedFile.Expected.ACCEPT) {
        return Verdict.failed("was refused: " + refused.getMessage());
      }
      listed.outputs().forEach(checks::settled);
      return refused.getMessage().contains("\n")
          ? Verdict.failed("expected an error of one line, found several")
          : Verdict.passed();
    }
  }

  private static TensorSource open(Path file) {
    String name = file.getFileName().toString();
    if (name.endsWith(".json")) {
      return Checkpoint.open(file);
    }
    return name.endsWith(".safetensors") ? SafetensorsFile.open(file) : TorchFile.open(file);
  }
}
