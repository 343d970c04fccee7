package io.github.tpdiff.conformance.files;

import com.fasterxml.jackson.databind.JsonNode;
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
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Kind {@code files}: every file of a manifest is read to the values it names, or refused in one
 * line, within seconds and without running anything.
 */
public final class FilesCase implements CaseKind.Plain {
  private static final int SECONDS_PER_FILE = 30;

  /** What hostile pickles would create if they were run. */
  private static final Path PAYLOAD_MARK = Path.of("PWNED");

  @Override
  public void check(GoldenCase golden, Checks checks) {
    boolean marked = Files.exists(PAYLOAD_MARK);
    Set<String> listed = new HashSet<>();
    JsonNode entries =
        golden.file(golden.args().path("manifest").asText("manifest.json")).path("files");
    for (JsonNode entry : entries) {
      String file = golden.require(entry, "file").asText();
      entry.path("tensors").forEach(tensor -> listed.add(tensor.path("expected").asText()));
      verdict(golden, entry, checks)
          .tell(why -> checks.fail(file + ": " + why), () -> checks.holds(file));
      if (!marked && Files.exists(PAYLOAD_MARK)) {
        checks.fail(file + ": its payload was run: it created " + PAYLOAD_MARK);
        marked = true;
      }
    }
    golden.tensors().names().stream()
        .filter(name -> name.startsWith("out.") && !listed.contains(name))
        .forEach(name -> checks.settled(name.substring("out.".length())));
    if (entries.isEmpty()) {
      checks.fail("manifest.json: files: expected entries, found none");
    }
  }

  private static Verdict verdict(GoldenCase golden, JsonNode entry, Checks checks) {
    var task = new FutureTask<>(() -> read(golden, entry, checks));
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

  private static Verdict read(GoldenCase golden, JsonNode entry, Checks checks) {
    String expected = golden.require(entry, "expected").asText();
    try (TensorSource source = open(golden.folder().resolve(entry.path("file").asText()))) {
      return switch (expected) {
        case "accept" -> new ListedTensors(golden, entry).compare(source, checks);
        case "reject" -> Verdict.failed("expected it to be refused, it was read");
        default -> Verdict.passed();
      };
    } catch (CheckpointException refused) {
      if (expected.equals("accept")) {
        return Verdict.failed("was refused: " + refused.getMessage());
      }
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
