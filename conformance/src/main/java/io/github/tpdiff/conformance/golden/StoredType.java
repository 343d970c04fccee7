package io.github.tpdiff.conformance.golden;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.checkpoint.CheckpointFiles;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Argument {@code weight_dtype}: the type of a case's weights on disk, which some of its tensors
 * must have. Networks beside them may have types of their own.
 */
public final class StoredType {
  private static final Map<String, DType> TYPES =
      Map.of("fp64", DType.F64, "fp32", DType.F32, "fp16", DType.F16, "bf16", DType.BF16);

  private StoredType() {}

  /** Holds the checkpoints of {@code golden} to the type that it names, if it names one. */
  public static void check(GoldenCase golden, Checks checks) {
    Optional<String> named = golden.args().findText("weight_dtype");
    if (named.isEmpty()) {
      return;
    }
    DType type = TYPES.get(named.get());
    if (type == null) {
      throw new CaseException(
          "case.json: args.weight_dtype: expected one of %s, found %s"
              .formatted(TYPES.keySet().stream().sorted().toList(), named.get()));
    }
    for (Path checkpoint : golden.checkpoints()) {
      Set<DType> found = types(golden, checkpoint);
      if (!found.contains(type)) {
        checks.fail("%s: expected tensors of type %s, found %s".formatted(checkpoint, type, found));
      }
    }
  }

  private static Set<DType> types(GoldenCase golden, Path checkpoint) {
    var types = EnumSet.noneOf(DType.class);
    for (Path file : CheckpointFiles.in(checkpoint)) {
      if (file.equals(golden.path(GoldenCase.TENSORS))) {
        continue;
      }
      try (TensorSource source = Checkpoint.open(file)) {
        source.names().stream().map(source::require).map(TensorInfo::dtype).forEach(types::add);
      }
    }
    return types;
  }
}
