package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.ConfigFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import java.util.Arrays;
import java.util.Optional;

/**
 * Sizes of motion modules: v1 has 24 positions, v2 32 and one more module in the middle, v3 32.
 *
 * @param positions rows of the position table: frames that the modules can tell apart
 * @param middle whether there is a module in the middle of the network
 * @param statistics of the modules' group norms
 */
record MotionConfig(
    int heads, int positions, int normGroups, boolean middle, NormStatistics statistics) {
  /** A field of this project's: whose group norm the modules are to run with. */
  static final String STATISTICS = "motion_norm_statistics";

  private static final String MIDDLE = "mid_block.motion_modules.0.norm.weight";
  private static final String TABLE = ".pos_embed.pe";

  /**
   * From a configuration, what it does not say from the tensors.
   *
   * @param weights under diffusers' names
   * @param absent the statistics where the configuration does not name any
   */
  static MotionConfig read(ConfigFile config, TensorSource weights, NormStatistics absent) {
    refuseUnknownForms(config);
    boolean middle = weights.find(MIDDLE).isPresent();
    config
        .findFlag("use_motion_mid_block")
        .filter(said -> said != middle)
        .ifPresent(
            said -> {
              throw config.wrong(
                  "use_motion_mid_block", middle + ", as the checkpoint's tensors have it", said);
            });
    return new MotionConfig(
        config.findInt("motion_num_attention_heads").orElse(8),
        config.findInt("motion_max_seq_length").or(() -> tableRows(weights)).orElse(32),
        config.findInt("motion_norm_num_groups").orElse(32),
        middle,
        config.findString(STATISTICS).map(text -> statistics(config, text)).orElse(absent));
  }

  /** Rows of a position table, where the checkpoint still has one. */
  private static Optional<Integer> tableRows(TensorSource weights) {
    return weights.names().stream()
        .filter(name -> name.endsWith(TABLE) || name.endsWith("pos_encoder.pe"))
        .findFirst()
        .map(weights::require)
        .map(MotionConfig::rows);
  }

  private static int rows(TensorInfo table) {
    if (table.shape().size() != 3) {
      throw new CheckpointException(
          "tensor '%s': expected [1, positions, width], found %s"
              .formatted(table.name(), table.shape()));
    }
    return Math.toIntExact(table.shape().get(1));
  }

  private static NormStatistics statistics(ConfigFile config, String text) {
    return Arrays.stream(NormStatistics.values())
        .filter(value -> value.text().equals(text))
        .findFirst()
        .orElseThrow(() -> config.wrong(STATISTICS, "frame or clip", text));
  }

  private static void refuseUnknownForms(ConfigFile config) {
    for (String field :
        new String[] {
          "motion_transformer_layers_per_block", "motion_transformer_layers_per_mid_block"
        }) {
      config
          .findAny(field)
          .filter(value -> !value.equals("1"))
          .filter(value -> !value.matches("[\\[\\],1]*"))
          .ifPresent(
              value -> {
                throw config.wrong(field, "1", value);
              });
    }
    config
        .findAny("conv_in_channels")
        .ifPresent(
            value -> {
              throw config.wrong("conv_in_channels", "null", value);
            });
  }
}
