package io.github.tpdiff.lora.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.optim.AdamW;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FloatCodec;
import io.github.tpdiff.weights.IndentedJson;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * All that a run needs to go on as if it had not stopped: values, the optimizer's running means,
 * steps done. Everything random is a function of the seed and the step, so nothing else is state.
 *
 * @param step steps done
 * @param parameters by weight name
 * @param moments the optimizer's, by weight name; empty before the first step
 */
record TrainingState(
    int step, Map<String, Parameter> parameters, Map<String, AdamW.Moments> moments) {
  private static final String VERSION = "tpdiff.state_version";
  private static final String FORMAT = "2";
  private static final String STEP = "tpdiff.step";
  private static final String IDENTITY = "tpdiff.run";
  private static final String VALUE = "parameter.";
  private static final String EXP_AVG = "exp_avg.";
  private static final String EXP_AVG_SQ = "exp_avg_sq.";

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Values(TensorInfo info, float[] floats) {}

  /**
   * Writes the state.
   *
   * @param identity what must be the same when training goes on, by setting
   */
  void write(Path file, Map<String, String> identity) {
    var tensors = new ArrayList<Values>();
    parameters.forEach(
        (name, p) -> {
          tensors.add(values(VALUE + name, p.shape(), p.values()));
          AdamW.Moments own = moments.get(name);
          if (own != null) {
            tensors.add(values(EXP_AVG + name, p.shape(), own.expAvg()));
            tensors.add(values(EXP_AVG_SQ + name, p.shape(), own.expAvgSq()));
          }
        });
    Map<String, String> metadata =
        Map.of(
            VERSION,
            FORMAT,
            StateChecksum.KEY,
            StateChecksum.UNSEALED,
            STEP,
            Integer.toString(step),
            IDENTITY,
            IndentedJson.write(new TreeMap<>(identity)));
    // Sealed before it has its name: what has it is whole.
    try (AtomicFile sealed = AtomicFile.create(file)) {
      Path unsealed = sealed.handOver();
      write(unsealed, tensors, metadata);
      StateChecksum.seal(unsealed);
      sealed.commit();
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be written: %s".formatted(file, AtomicFile.reason(failure)), failure);
    }
  }

  private static void write(Path file, List<Values> tensors, Map<String, String> metadata) {
    List<TensorInfo> infos = tensors.stream().map(Values::info).toList();
    try (var writer = SafetensorsWriter.create(file, infos, metadata)) {
      for (Values tensor : tensors) {
        writer.fill(
            tensor.info().name(),
            (offset, chunk) ->
                FloatCodec.encode(
                    FloatBuffer.wrap(
                        tensor.floats(),
                        Math.toIntExact(offset / Float.BYTES),
                        chunk.remaining() / Float.BYTES),
                    DType.F32,
                    chunk));
      }
      writer.commit();
    }
  }

  private static Values values(String name, List<Long> shape, float[] floats) {
    return new Values(new TensorInfo(name, DType.F32, shape), floats);
  }

  /**
   * Reads a state for a run; {@link StateChecksum} says whether it is whole.
   *
   * @param expected the parameters it must have
   * @param identity what must be as it was
   * @throws CheckpointException if the state is of another run, naming what differs
   */
  static TrainingState read(
      Path file, Map<String, Parameter> expected, Map<String, String> identity) {
    try (TensorSource source = SafetensorsFile.open(file)) {
      requireFormat(file, source);
      requireSame(file, identity, identityOf(source));
      var parameters = new LinkedHashMap<String, Parameter>();
      var moments = new LinkedHashMap<String, AdamW.Moments>();
      expected.forEach(
          (name, p) -> {
            TensorInfo info = source.require(VALUE + name);
            if (!info.shape().equals(p.shape())) {
              throw new CheckpointException(
                  "%s: tensor '%s': expected %s, found %s"
                      .formatted(file, info.name(), p.shape(), info.shape()));
            }
            parameters.put(name, new Parameter(p.shape(), source.floats(VALUE + name)));
            if (source.find(EXP_AVG + name).isPresent()) {
              moments.put(
                  name,
                  new AdamW.Moments(
                      source.floats(EXP_AVG + name), source.floats(EXP_AVG_SQ + name)));
            }
          });
      return new TrainingState(step(file, source), parameters, moments);
    }
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
      return new ObjectMapper()
          .readValue(
              source.metadata().getOrDefault(IDENTITY, "{}"),
              new TypeReference<TreeMap<String, String>>() {});
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
        throw new CheckpointException(
            "%s: cannot go on with another %s: it was %s, now it is %s; restore it or start in another output folder"
                .formatted(file, key, then, now));
      }
    }
  }
}
