package io.github.tpdiff.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.IndentedJson;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.layout.Contents;
import io.github.tpdiff.weights.layout.Expert;
import io.github.tpdiff.weights.layout.FoundNetwork;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.layout.LayoutConversion;
import io.github.tpdiff.weights.layout.Network;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What a folder of converted networks needs beside their weights, so that other programs open it:
 * configurations, and in diffusers' layout of a whole model its index, scheduler and tokenizer.
 */
final class ConvertedFolder {
  private static final String CONFIG = "config.json";
  private static final String ORIGINAL_TOKENIZER = "google/umt5-xxl";
  private static final String TOKENIZER = "tokenizer";
  private static final Set<Network> READERS_OF_TEXT =
      EnumSet.of(Network.UMT5_ENCODER, Network.CLIP_TEXT_ENCODER);

  /** A network, and which of two it may be. */
  private record Part(Network network, Optional<Expert> expert) {
    String folder() {
      return expert.map(one -> one.folder(Layout.DIFFUSERS)).orElse(network.folder());
    }
  }

  private final Layout layout;
  private final Map<Part, Map<String, Object>> told = new HashMap<>();
  private final Map<Part, Object> configurations = new HashMap<>();
  private final List<String> missing = new ArrayList<>();

  private ConvertedFolder(Layout layout) {
    this.layout = layout;
  }

  /** Reads the configurations of all networks of the sources. */
  static ConvertedFolder of(Collection<TensorSource> sources, Layout layout) {
    var folder = new ConvertedFolder(layout);
    for (TensorSource source : sources) {
      for (FoundNetwork found : Contents.of(source.names()).networks()) {
        folder.read(found, source);
      }
    }
    return folder;
  }

  private void read(FoundNetwork found, TensorSource source) {
    Network network = found.network();
    TensorSource weights = found.as(Layout.DIFFUSERS, source);
    Path file = Path.of(source.origin());
    Path beside = file.resolveSibling(CONFIG);
    var part = new Part(network, Expert.of(network, file));
    try {
      Optional<Map<String, Object>> fields = fields(network, layout, weights, beside);
      if (fields.isPresent()) {
        told.put(part, fields.get());
        configurations.put(part, own(fields.get(), beside).orElse(fields.get()));
      } else if (layout == Layout.DIFFUSERS) {
        missing.add("config.json of the %s".formatted(network.label()));
      } else {
        noteLost(network, weights, beside);
      }
    } catch (CheckpointException untold) {
      missing.add("config.json of the %s: %s".formatted(network.label(), untold.getMessage()));
    }
  }

  private static Optional<Map<String, Object>> fields(
      Network network, Layout layout, TensorSource weights, Path config) {
    return ModelFamily.all().stream()
        .flatMap(family -> family.configuration(network, layout, weights, config).stream())
        .findFirst();
  }

  /** A layout without a configuration loses what the tensors do not tell. */
  private void noteLost(Network network, TensorSource weights, Path beside) {
    Optional<Map<String, Object>> known = fields(network, Layout.DIFFUSERS, weights, beside);
    if (known.isEmpty()) {
      return;
    }
    Map<String, Object> told;
    try {
      told = fields(network, Layout.DIFFUSERS, weights, beside.resolve("none")).orElse(Map.of());
    } catch (CheckpointException untold) {
      missing.add(
          "a place for the configuration of the %s, which its tensors alone do not tell: %s"
              .formatted(network.label(), untold.getMessage()));
      return;
    }
    List<String> lost =
        known.get().entrySet().stream()
            .filter(field -> !field.getValue().equals(told.get(field.getKey())))
            .map(Map.Entry::getKey)
            .toList();
    if (!lost.isEmpty()) {
      missing.add(
          "a place for %s of the %s, which its tensors alone do not tell"
              .formatted(lost, network.label()));
    }
  }

  /** The configuration beside the source where it is of the same class: it may say more. */
  private static Optional<Object> own(Map<String, Object> known, Path file) {
    ConfigFile beside = ConfigFile.open(file);
    boolean same =
        beside
            .className()
            .filter(
                name ->
                    name.equals(known.get("_class_name"))
                        || List.of(name).equals(known.get("architectures")))
            .isPresent();
    return same ? Optional.of(beside.fields()) : Optional.empty();
  }

  /**
   * Writes what is known beside the networks that were written.
   *
   * @param source folder or file that was converted
   * @param target folder that was written to
   * @return what is missing there, each with what to do
   */
  List<String> write(List<LayoutConversion.Written> written, Path source, Path target)
      throws IOException {
    var networks = EnumSet.noneOf(Network.class);
    for (LayoutConversion.Written checkpoint : written) {
      networks.addAll(checkpoint.networks());
      for (Network network : checkpoint.networks()) {
        Object fields = configurations.get(new Part(network, checkpoint.expert()));
        if (fields != null) {
          writeJson(checkpoint.file().resolveSibling(CONFIG), fields);
        }
      }
    }
    if (written.size() > 1 && layout == Layout.DIFFUSERS) {
      surround(networks, source, target);
    }
    if (networks.stream().anyMatch(READERS_OF_TEXT::contains) && written.size() > 1) {
      copyTokenizer(networks, source, target);
    }
    Path defaults = source.resolve(RecordJson.DEFAULTS_FILE);
    if (written.size() > 1 && Files.isRegularFile(defaults)) {
      writeJson(target.resolve(RecordJson.DEFAULTS_FILE), ConfigFile.open(defaults).fields());
    }
    return List.copyOf(missing);
  }

  private void surround(Set<Network> networks, Path source, Path target) throws IOException {
    Map<String, Map<String, ?>> files = new LinkedHashMap<>();
    var known = new HashMap<String, Map<String, Object>>();
    told.forEach((part, fields) -> known.put(part.folder(), fields));
    ModelFamily.all().forEach(family -> files.putAll(family.surroundings(networks, known)));
    for (Map.Entry<String, Map<String, ?>> file : files.entrySet()) {
      Path own = source.resolve(file.getKey());
      Object fields = Files.isRegularFile(own) ? ConfigFile.open(own).fields() : file.getValue();
      writeJson(target.resolve(file.getKey()), fields);
      if (file.getKey().equals("model_index.json")) {
        file.getValue().forEach((part, classes) -> requirePart(part, classes, target));
      }
    }
  }

  private void requirePart(String part, Object classes, Path target) {
    boolean wanted = classes instanceof List<?> names && names.get(0) instanceof String;
    if (wanted
        && !List.of(TOKENIZER, "scheduler").contains(part)
        && !Files.isDirectory(target.resolve(part))) {
      missing.add("%s: not in what was converted; add its folder".formatted(part));
    }
  }

  private void copyTokenizer(Set<Network> networks, Path source, Path target) throws IOException {
    boolean wan = networks.contains(Network.UMT5_ENCODER);
    Optional<Path> own =
        Stream.of(ORIGINAL_TOKENIZER, TOKENIZER)
            .map(source::resolve)
            .filter(Files::isDirectory)
            .findFirst();
    Path to = target.resolve(wan && layout == Layout.ORIGINAL ? ORIGINAL_TOKENIZER : TOKENIZER);
    if (own.isEmpty()) {
      missing.add("%s: not beside what was converted; copy that of the model".formatted(to));
      return;
    }
    for (Path file : files(own.get())) {
      AtomicFile.write(to.resolve(file.getFileName().toString()), Files.readAllBytes(file));
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static void writeJson(Path file, Object fields) {
    AtomicFile.write(file, (IndentedJson.write(fields) + "\n").getBytes(UTF_8));
  }
}
