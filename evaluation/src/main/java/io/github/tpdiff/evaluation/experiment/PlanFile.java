package io.github.tpdiff.evaluation.experiment;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.cfg.ConstructorDetector;
import com.fasterxml.jackson.databind.exc.InvalidFormatException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import com.google.common.collect.Maps;
import io.github.tpdiff.lora.data.Utf8File;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.NearestName;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.representer.Representer;
import org.yaml.snakeyaml.resolver.Resolver;

/**
 * Plans as they are written: YAML, every value as the text that stands there. A key that no plan
 * has is an error.
 *
 * @param plan what it says
 * @param origin its file, or its name where it is one that comes with the program
 * @param folder to which its paths are relative
 */
public record PlanFile(Plan plan, String origin, Path folder) {
  private static final long MOST_BYTES = 1 << 20;

  static final JsonMapper JSON =
      JsonMapper.builder()
          .addModule(new Jdk8Module())
          .constructorDetector(ConstructorDetector.USE_PROPERTIES_BASED)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
          .build();

  /** Plans that come with the program, each in every one of {@link #SIZES}. */
  private static final List<String> READY =
      List.of(
          "training-speed",
          "training-speed-ddim",
          "training-speed-options",
          "training-speed-long",
          "paper-table-2",
          "paper-table-3",
          "baselines",
          "lora-transfer");

  /** How long a ready plan takes: on two cores, or on a GPU. */
  private static final List<String> SIZES = List.of("minutes", "hours", "gpu-days");

  /** In a ready plan, by size, what is not as in the others. */
  private static final String OF_SIZE = "sizes";

  /** In a ready plan, the name of another whose keys count where it has none of its own. */
  private static final String AS = "as";

  /** Of a ready plan, what is not of the plan that comes of it. */
  private static final Set<String> PLACES = Set.of(AS, OF_SIZE);

  /** Names of the plans that come with the program, such as {@code training-speed.minutes}. */
  public static List<String> names() {
    return READY.stream().flatMap(name -> SIZES.stream().map(s -> name + "." + s)).toList();
  }

  /**
   * Reads a plan.
   *
   * @throws CheckpointException if it cannot be read or is none, naming the key
   */
  public static PlanFile read(Path file) {
    try {
      String text = Utf8File.read(file, MOST_BYTES);
      Path folder = file.toAbsolutePath().resolveSibling("").normalize();
      return new PlanFile(plan(text, file.toString()), file.toString(), folder);
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(file, failure), failure);
    }
  }

  /**
   * A plan that comes with the program; its paths are relative to the working folder.
   *
   * @param name one of {@link #names}
   * @throws IllegalArgumentException if it is none
   */
  public static PlanFile ready(String name) {
    return new PlanFile(plan(text(name), name), name, Path.of("").toAbsolutePath());
  }

  /**
   * The text of a plan that comes with the program, to be changed.
   *
   * @param name one of {@link #names}
   * @throws IllegalArgumentException if it is none
   */
  public static String text(String name) {
    if (!names().contains(name)) {
      throw new IllegalArgumentException(
          "plan: expected a file or one of %s, found '%s'%s"
              .formatted(
                  String.join(", ", names()),
                  name,
                  NearestName.of(name, names()).map(n -> "; did you mean " + n + "?").orElse("")));
    }
    int dot = name.lastIndexOf('.');
    List<Map<String, Object>> resources = resources(name.substring(0, dot));
    Map<String, Object> plan = Map.of();
    for (Map<String, Object> keys : resources) {
      plan = ArmJob.merged(plan, Maps.filterKeys(keys, key -> !PLACES.contains(key)));
    }
    for (Map<String, Object> keys : resources) {
      if (keys.get(OF_SIZE) instanceof Map<?, ?> sizes
          && sizes.get(name.substring(dot + 1)) instanceof Map<?, ?> own) {
        plan = ArmJob.merged(plan, own);
      }
    }
    var all = new LinkedHashMap<>(plan);
    all.computeIfPresent("arms", (key, arms) -> withValues((Map<?, ?>) arms));
    return yaml().dump(all);
  }

  /** A key without a value takes an arm away that another plan or size may not have. */
  private static Map<Object, Object> withValues(Map<?, ?> keys) {
    var own = new LinkedHashMap<Object, Object>(keys);
    own.values().removeIf(Objects::isNull);
    return own;
  }

  /** A ready plan, after the one whose keys count where it has none of its own. */
  private static List<Map<String, Object>> resources(String name) {
    try (InputStream bytes =
        requireNonNull(PlanFile.class.getResourceAsStream(name + ".yaml"), name)) {
      var keys = new LinkedHashMap<String, Object>();
      ((Map<?, ?>) yaml().load(new String(bytes.readAllBytes(), StandardCharsets.UTF_8)))
          .forEach((key, value) -> keys.put(String.valueOf(key), value));
      var all = new ArrayList<Map<String, Object>>();
      Optional.ofNullable(keys.get(AS)).ifPresent(as -> all.addAll(resources(as.toString())));
      all.add(keys);
      return all;
    } catch (IOException broken) {
      throw new UncheckedIOException(broken);
    }
  }

  static Plan plan(String text, String origin) {
    try {
      Object read = yaml().load(text);
      if (!(read instanceof Map<?, ?> keys)) {
        throw new CheckpointException(origin + ": expected keys such as 'arms:'");
      }
      return JSON.convertValue(keys, Plan.class);
    } catch (YAMLException broken) {
      throw new CheckpointException("%s: %s".formatted(origin, broken.getMessage()), broken);
    } catch (IllegalArgumentException wrong) {
      throw new CheckpointException("%s: %s".formatted(origin, words(wrong)), wrong);
    }
  }

  /** Where in the plan, and what is wrong there. */
  private static String words(IllegalArgumentException wrong) {
    if (!(wrong.getCause() instanceof JsonMappingException found)) {
      return String.valueOf(wrong.getMessage());
    }
    List<JsonMappingException.Reference> path = found.getPath();
    String place =
        path.stream()
            .map(
                step ->
                    step.getFieldName() == null
                        ? "[" + step.getIndex() + "]"
                        : "." + step.getFieldName())
            .collect(Collectors.joining())
            .replaceFirst("^\\.", "");
    String what =
        found.getOriginalMessage().replaceFirst("^Cannot construct instance of .*?, problem: ", "");
    if (found instanceof UnrecognizedPropertyException unknown) {
      what = "no plan has this key; expected one of " + unknown.getKnownPropertyIds();
    }
    if (found instanceof InvalidFormatException other && other.getTargetType().isEnum()) {
      what =
          "expected one of %s, found '%s'"
              .formatted(
                  Arrays.toString(other.getTargetType().getEnumConstants())
                      .toLowerCase(Locale.ROOT),
                  other.getValue());
    }
    return place.isEmpty() ? what : place + ": " + what;
  }

  /** Reads every value as a text and no other types; writes texts that read so. */
  static Yaml yaml() {
    var loading = new LoaderOptions();
    loading.setAllowDuplicateKeys(false);
    loading.setCodePointLimit((int) MOST_BYTES);
    var dumping = new DumperOptions();
    dumping.setDefaultFlowStyle(DumperOptions.FlowStyle.BLOCK);
    dumping.setSplitLines(false);
    return new Yaml(
        new SafeConstructor(loading), new Representer(dumping), dumping, loading, new Texts());
  }

  /** Takes nothing for a number or a flag; only an empty value for nothing. */
  private static final class Texts extends Resolver {
    @Override
    protected void addImplicitResolvers() {
      addImplicitResolver(Tag.NULL, NULL, "~nN\0");
      addImplicitResolver(Tag.NULL, EMPTY, null);
      addImplicitResolver(Tag.MERGE, MERGE, "<");
    }
  }
}
