package io.github.tpdiff.conformance.files;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.Values;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** The tensors and metadata that a manifest says a file holds. */
final class ListedTensors {
  private final GoldenCase golden;
  private final JsonNode entry;

  ListedTensors(GoldenCase golden, JsonNode entry) {
    this.golden = golden;
    this.entry = entry;
  }

  Verdict compare(TensorSource source, Checks checks) {
    Set<String> names = new TreeSet<>();
    for (JsonNode tensor : entry.path("tensors")) {
      String name = tensor.path("name").asText();
      names.add(name);
      TensorInfo info = source.require(name);
      String listed = tensor.path("dtype").asText() + " " + tensor.path("shape");
      String found = info.dtype() + " " + info.shape().toString().replace(" ", "");
      if (!found.equals(listed)) {
        return Verdict.failed("tensor '" + name + "': expected " + listed + ", found " + found);
      }
      compareValues(source, tensor, checks);
    }
    if (!names.equals(new TreeSet<>(source.names()))) {
      return Verdict.failed("expected tensors " + names + ", found " + source.names());
    }
    return compareMetadata(source.metadata());
  }

  private void compareValues(TensorSource source, JsonNode tensor, Checks checks) {
    String expected = tensor.path("expected").asText();
    if (!golden.tensors().names().contains(expected)) {
      return; // listed by name, type and shape only
    }
    String output = expected.substring("out.".length());
    String name = tensor.path("name").asText();
    if (source.require(name).dtype().isFloating()) {
      checks.compare(output, Values.doubles(source, name));
    } else {
      checks.compare(output, Values.longs(source, name));
    }
  }

  private Verdict compareMetadata(Map<String, String> found) {
    return entry.path("metadata").properties().stream()
        .filter(field -> !field.getValue().asText().equals(found.get(field.getKey())))
        .map(
            field ->
                Verdict.failed(
                    "metadata '%s': expected '%s', found '%s'"
                        .formatted(
                            field.getKey(), field.getValue().asText(), found.get(field.getKey()))))
        .findFirst()
        .orElseGet(Verdict::passed);
  }
}
