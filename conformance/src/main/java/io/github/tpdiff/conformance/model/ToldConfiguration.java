package io.github.tpdiff.conformance.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.collect.ImmutableList;
import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.weights.NearestName;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import io.github.tpdiff.weights.layout.Contents;
import io.github.tpdiff.weights.layout.FoundNetwork;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.layout.Network;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Argument {@code diffusers_config}: the configuration that diffusers has for a network in its
 * authors' layout, which must follow from the checkpoint.
 */
final class ToldConfiguration {
  private static final String CONFIG = "config.json";
  private static final ObjectMapper JSON = new ObjectMapper();

  private ToldConfiguration() {}

  static void check(GoldenCase golden, Path checkpoint, Checks checks) {
    // How the reference was built in Python, which says nothing that the other does not.
    golden.args().passOver("reference_config");
    Optional<Arguments> told = golden.args().findGroup("diffusers_config");
    if (told.isEmpty()) {
      return;
    }
    JsonNode found = JSON.valueToTree(configuration(checkpoint));
    told.get()
        .all()
        .forEach(
            (field, expected) -> {
              if (!same(expected, found.path(field))) {
                checks.fail(
                    "args.diffusers_config.%s: expected %s, the checkpoint gives %s"
                            .formatted(
                                field, expected, found.has(field) ? found.path(field) : "none")
                        + nearest(field, found));
              }
            });
  }

  private static String nearest(String field, JsonNode found) {
    return found.has(field)
        ? ""
        : NearestName.of(field, ImmutableList.copyOf(found.fieldNames()))
            .map(near -> "; the nearest field is " + near)
            .orElse("");
  }

  private static boolean same(JsonNode expected, JsonNode found) {
    return expected.isNull()
        ? found.isMissingNode() || found.isNull()
        : expected.equals(ToldConfiguration::compare, found);
  }

  /** 0 for what is equal: numbers by their values, whatever their types. */
  private static int compare(JsonNode left, JsonNode right) {
    boolean same =
        (left.isNumber() && right.isNumber())
            ? left.doubleValue() == right.doubleValue()
            : left.equals(right);
    return same ? 0 : 1;
  }

  private static Map<String, Object> configuration(Path checkpoint) {
    Path config =
        Files.isDirectory(checkpoint)
            ? checkpoint.resolve(CONFIG)
            : checkpoint.resolveSibling(CONFIG);
    try (TensorSource source = Checkpoint.open(checkpoint)) {
      Network network =
          Contents.of(source.names()).networks().stream()
              .findFirst()
              .map(FoundNetwork::network)
              .orElseThrow(() -> new CaseException(checkpoint + ": holds no known network"));
      TensorSource named = network.asDiffusers(source);
      return ModelFamily.all().stream()
          .flatMap(
              family -> family.configuration(network, Layout.DIFFUSERS, named, config).stream())
          .findFirst()
          .orElseThrow(
              () ->
                  new CaseException(
                      "args.diffusers_config: no family has one for a " + network.label()));
    }
  }
}
