package io.github.tpdiff.lora.train;

import static com.google.common.base.Preconditions.checkArgument;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.runtime.optim.RunningMean;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.IndentedJson;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * All that a run needs to go on as if it had not stopped: values, what the optimizer remembers,
 * steps done. Everything random is a function of the seed and the step, so nothing else is state.
 *
 * <p>In the file the values are {@code parameter.<weight>}; every other tensor is the optimizer's.
 *
 * @param step steps done
 * @param parameters by weight name
 * @param optimizer its state and the running mean, under their own names; without tensors before
 *     the first step
 */
record TrainingState(int step, Map<String, Parameter> parameters, TensorSource optimizer) {
  private static final String VERSION = "tpdiff.state_version";
  private static final String FORMAT = "2";
  private static final String STEP = "tpdiff.step";

  /** What earlier versions took for deciding the result. */
  private static final Set<String> FREE_SINCE = Set.of("train.gradient_checkpointing");

  private static final String IDENTITY = "tpdiff.run";
  private static final String VALUE = "parameter.";

  TrainingState {
    for (String name : optimizer.names()) {
      checkArgument(!name.startsWith(VALUE), "optimizer: a tensor of its state is '%s'", name);
    }
  }

  /** What the training gives: the running mean of the values where one is kept, else these. */
  TrainingSnapshot snapshot() {
    var results = new LinkedHashMap<String, Parameter>();
    parameters.forEach(
        (name, p) -> {
          String mean = RunningMean.remembered(new TensorInfo(name, DType.F32, p.shape())).name();
          boolean isKept = optimizer.find(mean).isPresent();
          results.put(name, isKept ? new Parameter(p.shape(), optimizer.floats(mean)) : p);
        });
    return new TrainingSnapshot(step, results);
  }

  /**
   * Writes the state.
   *
   * @param identity what must be the same when training goes on, by setting
   */
  void write(Path file, Map<String, String> identity) {
    var header =
        MemoryTensors.builder()
            .metadata(VERSION, FORMAT)
            .metadata(StateChecksum.KEY, StateChecksum.UNSEALED)
            .metadata(STEP, Integer.toString(step))
            .metadata(IDENTITY, IndentedJson.write(new TreeMap<>(identity)))
            .build();
    TensorSource values = Parameter.view(parameters).renamed(name -> Optional.of(VALUE + name));
    // Sealed before it has its name: what has it is whole.
    try (AtomicFile sealed = AtomicFile.create(file)) {
      Path unsealed = sealed.handOver();
      SafetensorsWriter.write(unsealed, values.overlaid(optimizer).overlaid(header));
      StateChecksum.seal(unsealed);
      sealed.commit();
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be written: %s".formatted(file, AtomicFile.reason(failure)), failure);
    }
  }

  /**
   * Reads a state for a run; {@link StateChecksum} says whether it is whole.
   *
   * @param expected the parameters it must have
   * @param identity what must be as it was
   * @throws OtherRunException if the state is of another run, naming what differs
   * @throws CheckpointException if it cannot be read
   */
  static TrainingState read(
      Path file, Map<String, Parameter> expected, Map<String, String> identity) {
    try (TensorSource source = SafetensorsFile.open(file)) {
      requireFormat(file, source);
      requireSame(file, identity, identityOf(source));
      var parameters = new LinkedHashMap<String, Parameter>();
      expected.forEach(
          (name, p) -> {
            TensorInfo info = source.require(VALUE + name);
            if (!info.shape().equals(p.shape())) {
              throw new CheckpointException(
                  "%s: tensor '%s': expected %s, found %s"
                      .formatted(file, info.name(), p.shape(), info.shape()));
            }
            parameters.put(name, new Parameter(p.shape(), source.floats(VALUE + name)));
          });
      return new TrainingState(step(file, source), parameters, optimizerOf(source));
    }
  }

  /** What a state says of one of its run's settings. */
  static Optional<String> recorded(Path file, String setting) {
    try (TensorSource source = SafetensorsFile.open(file)) {
      return Optional.ofNullable(identityOf(source).get(setting));
    }
  }

  /** The optimizer's tensors as they are in the file, in memory. */
  private static TensorSource optimizerOf(TensorSource source) {
    var own = MemoryTensors.builder();
    for (String name : source.names()) {
      if (!name.startsWith(VALUE)) {
        TensorInfo info = source.require(name);
        ByteBuffer copy = ByteBuffer.allocateDirect(Math.toIntExact(info.byteCount()));
        own.add(info, copy.put(source.bytes(name)).flip());
      }
    }
    return own.build();
  }

  private static void requireFormat(Path file, TensorSource source) {
    String format = source.metadata().getOrDefault(VERSION, "none");
    if (!format.equals(FORMAT)) {
      throw new CheckpointException(
          "%s: expected a training state with %s %s, found %s"
              .formatted(file, VERSION, FORMAT, format));
    }
  }

  private static int step(Path file, TensorSource source) {
    String text = source.metadata().getOrDefault(STEP, "none");
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException notANumber) {
      throw new CheckpointException(
          "%s: expected a training state with %s, found %s".formatted(file, STEP, text),
          notANumber);
    }
  }

  private static Map<String, String> identityOf(TensorSource source) {
    try {
      var identity =
          new ObjectMapper()
              .readValue(
                  source.metadata().getOrDefault(IDENTITY, "{}"),
                  new TypeReference<TreeMap<String, String>>() {});
      identity.keySet().removeAll(FREE_SINCE);
      return identity;
    } catch (JsonProcessingException broken) {
      throw new CheckpointException(
          "%s: %s is no JSON object of strings".formatted(source.origin(), IDENTITY), broken);
    }
  }

  /** The present run's settings first, in their order: what users wrote is named before hashes. */
  private static void requireSame(
      Path file, Map<String, String> expected, Map<String, String> found) {
    var keys = new LinkedHashSet<>(expected.keySet());
    keys.addAll(found.keySet());
    for (String key : keys) {
      String now = expected.getOrDefault(key, "nothing");
      String then = found.getOrDefault(key, "nothing");
      if (!now.equals(then)) {
        throw new OtherRunException(
            key,
            "%s: cannot go on with another %s: it was %s, now it is %s; restore it or start in another output folder"
                .formatted(file, key, then, now));
      }
    }
  }
}
