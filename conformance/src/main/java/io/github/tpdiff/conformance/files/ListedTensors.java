package io.github.tpdiff.conformance.files;

import io.github.tpdiff.conformance.files.ListedFile.ListedTensor;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.Values;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** The tensors and metadata that a manifest says a file holds. */
final class ListedTensors {
  private final ListedFile file;

  ListedTensors(ListedFile file) {
    this.file = file;
  }

  Verdict compare(TensorSource source, Checks checks) {
    if (file.tensors().isPresent()) {
      Verdict verdict = compare(file.tensors().get(), source, checks);
      if (verdict.failure().isPresent()) {
        return verdict;
      }
    }
    Map<String, String> metadata = new TreeMap<>(source.metadata());
    return file.metadata().isEmpty() || file.metadata().get().equals(metadata)
        ? Verdict.passed()
        : Verdict.failed(
            "metadata: expected %s, found %s".formatted(file.metadata().get(), metadata));
  }

  private Verdict compare(List<ListedTensor> listed, TensorSource source, Checks checks) {
    Set<String> names = new TreeSet<>();
    listed.forEach(tensor -> names.add(tensor.name()));
    if (!names.equals(new TreeSet<>(source.names()))) {
      return Verdict.failed("expected tensors " + names + ", found " + source.names());
    }
    for (ListedTensor tensor : listed) {
      TensorInfo info = source.require(tensor.name());
      String found = info.dtype() + " " + info.shape().toString().replace(" ", "");
      if (!found.equals(tensor.type())) {
        return Verdict.failed(
            "tensor '%s': expected %s, found %s".formatted(tensor.name(), tensor.type(), found));
      }
      compareValues(source, tensor, checks);
    }
    return Verdict.passed();
  }

  private void compareValues(TensorSource source, ListedTensor tensor, Checks checks) {
    if (tensor.output().isEmpty()) {
      return; // listed by name, type and shape only
    }
    String output = tensor.output().get();
    if (source.require(tensor.name()).dtype().isFloating()) {
      checks.compare(output, Values.doubles(source, tensor.name()));
    } else {
      checks.compare(output, Values.longs(source, tensor.name()));
    }
  }
}
