package io.github.tpdiff.evaluation.metric;

import com.google.common.hash.HashCode;
import com.google.common.hash.Hashing;
import com.google.common.io.Files;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** A network's file, opened when it is first needed: where all features are kept it never is. */
public final class NetworkFile implements AutoCloseable {
  private final Path file;
  private final HashCode hash;
  private final FeatureNetwork.Opener opener;
  private Optional<FeatureNetwork> opened = Optional.empty();

  private NetworkFile(Path file, HashCode hash, FeatureNetwork.Opener opener) {
    this.file = file;
    this.hash = hash;
    this.opener = opener;
  }

  /**
   * Reads the file once, for its hash.
   *
   * @throws CheckpointException if it cannot be read
   */
  public static NetworkFile of(Path file, FeatureNetwork.Opener opener) {
    if (!java.nio.file.Files.isRegularFile(file)) {
      throw new CheckpointException(
          "%s: expected a network as TorchScript or ONNX, found no such file".formatted(file));
    }
    try {
      return new NetworkFile(
          file, Files.asByteSource(file.toFile()).hash(Hashing.sha256()), opener);
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be read: %s".formatted(file, AtomicFile.reason(failure)), failure);
    }
  }

  public Path file() {
    return file;
  }

  /** The SHA-256 of the file, as 64 hexadecimal digits. */
  public String sha256() {
    return hash.toString();
  }

  private FeatureNetwork network() {
    FeatureNetwork network = opened.orElseGet(() -> opener.open(file));
    opened = Optional.of(network);
    return network;
  }

  /** What its inputs are called, in their order. */
  List<String> inputNames() {
    return network().inputNames();
  }

  /** Runs with tensors as its first inputs, in their order. */
  List<Tensor> run(Tensor... inputs) {
    return run(Map.of(), inputs);
  }

  /**
   * The same with others beside them, by name.
   *
   * @throws CheckpointException if the network has no such input
   */
  List<Tensor> run(Map<String, Tensor> named, Tensor... inputs) {
    List<String> names = inputNames();
    if (names.size() < inputs.length || !names.containsAll(named.keySet())) {
      throw new CheckpointException(
          "%s: expected a network of at least %d inputs%s, found %s"
              .formatted(
                  file,
                  inputs.length,
                  named.isEmpty() ? "" : " and " + new TreeSet<>(named.keySet()),
                  names));
    }
    var all = new LinkedHashMap<>(named);
    for (int i = 0; i < inputs.length; i++) {
      all.put(names.get(i), inputs[i]);
    }
    try {
      List<Tensor> results = network().run(all);
      if (results.isEmpty() || results.get(0).type() != ElementType.F32) {
        throw new CheckpointException(
            "%s: expected floating-point results, found %s".formatted(file, results));
      }
      return results;
    } catch (IllegalArgumentException unfit) {
      throw new CheckpointException(
          "%s: cannot be run on %s: %s"
              .formatted(file, Arrays.toString(inputs), unfit.getMessage()),
          unfit);
    }
  }

  /**
   * The first result as one row.
   *
   * @throws CheckpointException if it has more than one axis longer than 1
   */
  float[] row(List<Tensor> results) {
    Tensor first = results.get(0);
    if (Arrays.stream(first.shape()).filter(extent -> extent != 1).count() > 1) {
      throw new CheckpointException(
          "%s: expected one row of features [1, D] for one input, found %s; save the network with"
                  .formatted(file, first)
              + " its pooling");
    }
    return first.toFloatArray();
  }

  @Override
  public void close() {
    opened.ifPresent(FeatureNetwork::close);
    opened = Optional.empty();
  }
}
