package io.github.tpdiff.lora.job;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.LoraDropout;
import io.github.tpdiff.lora.LoraFingerprint;
import io.github.tpdiff.lora.LoraInjection;
import io.github.tpdiff.lora.Parameter;
import io.github.tpdiff.lora.TrainedFiles;
import io.github.tpdiff.lora.WeightChange;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.runtime.pipeline.ReadLoras;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraWeights;
import io.github.tpdiff.weights.lora.LoraWriter;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a training of a LoRA begins with and what lies below it.
 *
 * @param from the file whose layers, ranks, scales and values it begins with; empty for fresh ones
 * @param base LoRAs that are merged into the frozen weights, in this order, with their strengths
 */
public record LoraOrigin(Optional<Path> from, Map<Path, Double> base) {
  private static final String FROM = "lora.from";
  private static final String BASE = "lora.base";

  /** Fresh values on the checkpoint as it is. */
  static final LoraOrigin NONE = new LoraOrigin(Optional.empty(), Map.of());

  /**
   * @throws IllegalArgumentException if a strength is not finite
   */
  public LoraOrigin {
    base = Collections.unmodifiableMap(new LinkedHashMap<>(base));
    base.forEach(
        (path, strength) ->
            checkArgument(
                Double.isFinite(strength),
                "lora.base: %s: expected a strength, found %s",
                path,
                strength));
  }

  /**
   * What the training begins with.
   *
   * @param expert that is trained, of a model that has several
   * @throws IllegalArgumentException if the file cannot be read, is for another denoiser, or
   *     changes what is no layer
   * @throws CheckpointException if diffusers' form, in which the result is written, cannot hold it
   */
  Optional<LoraWeights> first(Optional<String> expert) {
    return from.map(
        path -> {
          LoraWeights lora = read(FROM, path);
          lora.full().keySet().stream()
              .findFirst()
              .ifPresent(
                  tensor -> {
                    throw new IllegalArgumentException(
                        "lora.from: %s: changes '%s' in full, which is not trained; expected layers alone"
                            .formatted(path, tensor));
                  });
          Optional<String> said = Optional.ofNullable(lora.metadata().get(ReadLoras.EXPERT));
          checkArgument(
              said.isEmpty() || expert.isEmpty() || said.equals(expert),
              "lora.from: %s: is for the denoiser %s, and %s is trained; say model.denoiser",
              path,
              said.orElse(""),
              expert.orElse(""));
          LoraWriter.requireKinds("lora.from: " + path, LoraFormat.DIFFUSERS, lora);
          return lora;
        });
  }

  /**
   * The changes of a file as trained modules.
   *
   * @param lora of {@link #first}
   * @param dropout of what they are given
   * @throws IllegalArgumentException if a layer is not in the program or has other sizes there
   */
  static LoraInjection injection(Program program, LoraWeights lora, LoraDropout dropout) {
    LoraInjection injection = LoraInjection.of(program, lora, dropout);
    Set<String> missing = new LinkedHashSet<>(lora.layers().keySet());
    injection.modules().stream().map(WeightChange::name).forEach(missing::remove);
    missing.stream()
        .findFirst()
        .ifPresent(
            layer -> {
              throw new IllegalArgumentException(
                  "lora.from: changes '%s', which is no layer of the %s that can be trained so (%d of %d are not); is it for another checkpoint?"
                      .formatted(layer, program.name(), missing.size(), lora.layers().size()));
            });
    return injection;
  }

  /**
   * First values of the trained tensors.
   *
   * @param seed of fresh ones
   * @param frozen the network's weights, those of LoRAs below in them
   */
  Map<String, Parameter> values(LoraInjection injection, long seed, TensorSource frozen) {
    return from.map(path -> injection.parametersOf(read(FROM, path)))
        .orElseGet(() -> injection.freshParameters(seed, frozen));
  }

  /**
   * The model with the LoRAs below in its weights, in fp32.
   *
   * @param denoiser that is trained, by its component's name: files that do not say are for it
   */
  VideoModel merged(VideoModel model, String denoiser) {
    if (base.isEmpty()) {
      return model;
    }
    List<LoraChoice> choices =
        base.entrySet().stream()
            .map(own -> new LoraChoice(own.getKey(), Optional.of(own.getValue()), Optional.empty()))
            .toList();
    try {
      return TrainedFiles.read(Optional.empty(), choices)
          .otherwiseFor(model.description().flow().nameOf(denoiser))
          .merged(model, (path, unused) -> {}, type -> DType.F32);
    } catch (CheckpointException | IllegalArgumentException wrong) {
      throw new IllegalArgumentException(BASE + ": " + wrong.getMessage(), wrong);
    }
  }

  private static LoraWeights read(String key, Path path) {
    try {
      return LoraFile.read(path).weights();
    } catch (CheckpointException wrong) {
      throw new IllegalArgumentException(key + ": " + wrong.getMessage(), wrong);
    }
  }

  /**
   * Checks that none of the files is one that the training writes: it would go on with another than
   * it began with.
   *
   * @throws IllegalArgumentException if one is
   */
  void requireOthersThan(List<Path> written) {
    from.ifPresent(path -> requireOther(FROM, path, written));
    base.keySet().forEach(path -> requireOther(BASE, path, written));
  }

  private static void requireOther(String key, Path path, List<Path> written) {
    Path own = path.toAbsolutePath().normalize();
    checkArgument(
        written.stream().noneMatch(file -> file.toAbsolutePath().normalize().equals(own)),
        "%s: %s is where this job writes its own result; choose another output.folder",
        key,
        path);
  }

  /**
   * Those of the LoRAs below that say which denoiser they are for, where it is another.
   *
   * @param trained of a model that has several
   */
  Map<Path, String> ofOtherExperts(Optional<String> trained) {
    var others = new LinkedHashMap<Path, String>();
    base.keySet()
        .forEach(
            path ->
                Optional.ofNullable(read(BASE, path).metadata().get(ReadLoras.EXPERT))
                    .filter(own -> trained.isPresent() && !own.equals(trained.get()))
                    .ifPresent(own -> others.put(path, own)));
    return others;
  }

  /** The tensors that the LoRAs below change, by name. */
  Set<String> changedBelow() {
    var names = new LinkedHashSet<String>();
    base.keySet().forEach(path -> names.addAll(read(BASE, path).changes().keySet()));
    return names;
  }

  /** By key, what tells the files from others: a run goes on with the same only. */
  Map<String, String> identity() {
    var identity = new LinkedHashMap<String, String>();
    from.ifPresent(path -> identity.put(FROM, fingerprint(FROM, path)));
    if (!base.isEmpty()) {
      identity.put(
          BASE,
          base.entrySet().stream()
              .map(own -> fingerprint(BASE, own.getKey()) + " x " + own.getValue())
              .toList()
              .toString());
    }
    return identity;
  }

  /** Entries of a header: which files, by name and fingerprint. */
  Map<String, String> header() {
    var header = new LinkedHashMap<String, String>();
    from.ifPresent(path -> header.put("tpdiff.lora_from", named(FROM, path)));
    if (!base.isEmpty()) {
      header.put(
          "tpdiff.lora_base",
          base.entrySet().stream()
              .map(own -> named(BASE, own.getKey()) + " x " + own.getValue())
              .toList()
              .toString());
    }
    return header;
  }

  private static String named(String key, Path path) {
    return path.getFileName() + " " + fingerprint(key, path);
  }

  private static String fingerprint(String key, Path path) {
    return LoraFingerprint.of(read(key, path));
  }
}
