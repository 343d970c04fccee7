package io.github.tpdiff.adapters.animatediff;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.adapters.CheckpointSizes;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.layout.Layout;
import java.util.Optional;

/**
 * Sizes of motion modules: v1 has 24 positions, v2 32 and one more module in the middle, v3 32.
 *
 * @param positions rows of the position table: frames that the modules can tell apart
 * @param middle whether there is a module in the middle of the network
 * @param norms whose group norms the network is run with
 * @param table where the rows of positions come from
 */
record MotionConfig(
    int heads,
    int positions,
    int normGroups,
    boolean middle,
    NormConvention norms,
    PositionTable table) {
  /** v3, as diffusers runs it. */
  static final MotionConfig PUBLISHED =
      new MotionConfig(8, 32, 32, false, NormConvention.DIFFUSERS, PositionTable.COMPUTED);

  /** A field of this project's: whose group norms to run the modules with. */
  static final String CONVENTION = "norm_convention";

  private static final int V1_POSITIONS = 24;
  private static final String MIDDLE = "mid_block.motion_modules.0.norm.weight";

  /**
   * From a configuration, what it does not say from the tensors.
   *
   * @param weights under diffusers' names
   * @param layout of the file; the authors' runs as the authors do unless the configuration says
   */
  static MotionConfig read(ConfigFile config, TensorSource weights, Layout layout) {
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
    refuseOtherSizes(config, weights);
    Optional<Integer> rows = tableRows(weights);
    rows.ifPresent(
        there ->
            new CheckpointSizes(config, weights)
                .agree(there, "the rows of the position tables", "motion_max_seq_length"));
    int positions =
        rows.or(() -> config.findInt("motion_max_seq_length")).orElse(PUBLISHED.positions());
    return config.checked(
        () ->
            new MotionConfig(
                config.findInt("motion_num_attention_heads").orElse(PUBLISHED.heads()),
                positions,
                config.findInt("motion_norm_num_groups").orElse(PUBLISHED.normGroups()),
                middle,
                config
                    .findString(CONVENTION)
                    .map(text -> convention(config, text))
                    .orElseGet(() -> convention(layout, positions)),
                PositionTable.of(weights, layout)));
  }

  private static void refuseOtherSizes(ConfigFile config, TensorSource weights) {
    var sizes = new CheckpointSizes(config, weights);
    sizes.each("down_blocks.%s.motion_modules.0.norm.weight", 0, "block_out_channels");
    sizes.count("down_blocks.0.motion_modules.%s.norm.weight", "motion_layers_per_block");
    sizes.agree(1, "the only number supported", "motion_mid_block_layers_per_block");
  }

  private static NormConvention convention(Layout layout, int positions) {
    if (layout == Layout.DIFFUSERS) {
      return NormConvention.DIFFUSERS;
    }
    return positions == V1_POSITIONS ? NormConvention.ORIGINAL_V1 : NormConvention.ORIGINAL;
  }

  MotionConfig with(NormConvention other) {
    return new MotionConfig(heads, positions, normGroups, middle, other, table);
  }

  /**
   * As it runs in a UNet: diffusers gives the modules' norms as many groups as the UNet's.
   *
   * @throws IllegalArgumentException if the UNet's widths do not divide into heads and groups
   */
  MotionConfig in(UnetConfig unet) {
    int groups = norms == NormConvention.DIFFUSERS ? unet.normGroups() : normGroups;
    for (int width : unet.widths()) {
      requireDivides("motion_num_attention_heads", heads, width);
      requireDivides("motion_norm_num_groups", groups, width);
    }
    return new MotionConfig(heads, positions, groups, middle, norms, table);
  }

  private static void requireDivides(String field, int divisor, int width) {
    checkArgument(
        width % divisor == 0,
        "%s: expected a divisor of the UNet's width %s, found %s",
        field,
        width,
        divisor);
  }

  NormStatistics statistics() {
    return norms.motion();
  }

  /** Rows of a position table, where the checkpoint still has one. */
  private static Optional<Integer> tableRows(TensorSource weights) {
    return PositionTable.find(weights).map(MotionConfig::rows);
  }

  private static int rows(TensorInfo table) {
    if (table.shape().size() != 3) {
      throw new CheckpointException(
          "tensor '%s': expected [1, positions, width], found %s"
              .formatted(table.name(), table.shape()));
    }
    return Math.toIntExact(table.shape().get(1));
  }

  private static NormConvention convention(ConfigFile config, String text) {
    return NormConvention.find(text)
        .orElseThrow(() -> config.wrong(CONVENTION, "one of " + NormConvention.texts(), text));
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
