package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.VideoModel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Kind {@code motion_module_original}: the authors' files in every form, which hold the same
 * numbers, under every convention of group norms.
 *
 * @param opener of conditioning and denoiser
 */
public record MotionModuleCase(Opener opener) implements CaseKind.OnEngine {
  private static final List<String> CONVENTIONS = List.of("original", "original_v1", "diffusers");
  private static final List<String> COUNTS =
      List.of(
          "motion_layers_per_block",
          "motion_max_seq_length",
          "motion_mid_block_layers_per_block",
          "motion_norm_num_groups",
          "motion_num_attention_heads");
  private static final String WIDTHS = "block_out_channels";
  private static final String MIDDLE = "use_motion_mid_block";

  /** Opens the case's UNet with a file of motion modules, and what is told about them. */
  @FunctionalInterface
  public interface Opener {
    Map<String, Component> open(Path unet, Path motion, String convention, Map<String, ?> told);
  }

  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    GoldenRun run = golden.runs().get(0);
    Map<String, Object> told = told(golden.args());
    for (String file : golden.args().texts("files")) {
      Path motion = golden.path(file);
      for (String convention : CONVENTIONS) {
        try (VideoModel model =
            CaseModel.network(opener.open(golden.checkpoint(), motion, convention, told))) {
          checks.compare(convention + ".sample", NetworkRun.of(run, model).predict(model, engine));
        }
      }
    }
  }

  /** What no tensor of the authors' files tells, as diffusers names it. */
  private static Map<String, Object> told(Arguments args) {
    var told = new HashMap<String, Object>();
    Optional<Arguments> adapter = args.findGroup("motion_adapter_config");
    for (String count : COUNTS) {
      adapter.flatMap(said -> said.findInteger(count)).ifPresent(said -> told.put(count, said));
    }
    adapter.flatMap(said -> said.findIntegers(WIDTHS)).ifPresent(said -> told.put(WIDTHS, said));
    adapter.flatMap(said -> said.findFlag(MIDDLE)).ifPresent(said -> told.put(MIDDLE, said));
    Optional<Arguments> original = args.findGroup("original");
    original
        .flatMap(said -> said.findInteger("num_attention_heads"))
        .ifPresent(said -> put(told, "motion_num_attention_heads", said));
    original
        .flatMap(said -> said.findInteger("temporal_position_encoding_max_len"))
        .ifPresent(said -> put(told, "motion_max_seq_length", said));
    original
        .flatMap(said -> said.findFlag("motion_module_mid_block"))
        .ifPresent(said -> put(told, MIDDLE, said));
    return told;
  }

  private static void put(Map<String, Object> told, String field, Object said) {
    Object before = told.putIfAbsent(field, said);
    if (before != null && !before.equals(said)) {
      throw new CaseException(
          "args.original: expected %s = %s, as args.motion_adapter_config has it, found %s"
              .formatted(field, before, said));
    }
  }
}
