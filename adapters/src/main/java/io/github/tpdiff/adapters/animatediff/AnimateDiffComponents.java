package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.ModelFlows;
import io.github.tpdiff.adapters.animatediff.AnimateDiffFolder.Found;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.layout.Network;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Opens a UNet together with the motion modules that go into it. */
public final class AnimateDiffComponents {
  private static final String MOTION = ".motion_modules.";

  private AnimateDiffComponents() {}

  /**
   * An opened network.
   *
   * @param components conditioning and denoiser
   * @param positions frames that it can tell apart
   */
  record MotionUnet(Map<String, Component> components, int positions) {}

  /** Conditioning and denoiser of a UNet and motion modules, each a folder or a file. */
  public static Map<String, Component> openUnet(Path unet, Path motion) {
    return open(
            Found.at(Network.SD_UNET, unet),
            Optional.of(Found.at(Network.MOTION_ADAPTER, motion)),
            UnaryOperator.identity())
        .components();
  }

  /**
   * The same with group norms as {@code norms} says, whatever the files are, and where more is
   * known about the motion modules than their files say.
   *
   * @param told fields of the motion modules' configuration, such as {@code
   *     motion_num_attention_heads}
   */
  public static Map<String, Component> openUnet(
      Path unet, Path motion, NormConvention norms, Map<String, ?> told) {
    Found modules = Found.at(Network.MOTION_ADAPTER, motion);
    return open(
            Found.at(Network.SD_UNET, unet),
            Optional.of(
                new Found(modules.network(), modules.checkpoint(), modules.config().with(told))),
            config -> config.with(norms))
        .components();
  }

  /**
   * A network.
   *
   * @param motion the motion modules; may be absent where {@code unet} was saved with them
   * @param change of what the files say
   */
  static MotionUnet open(Found unet, Optional<Found> motion, UnaryOperator<MotionConfig> change) {
    TensorSource weights = unet.open();
    try {
      String origin = weights.origin();
      if (motion.isPresent()) {
        TensorSource modules = motion.get().open();
        origin = modules.origin();
        weights = weights.overlaid(modules);
      }
      requireMotion(weights);
      MotionConfig modules =
          change.apply(
              MotionConfig.read(
                  motion.orElse(unet).config(),
                  weights,
                  motion.map(Found::layout).orElse(Layout.DIFFUSERS)));
      var sizes = UnetConfig.read(unet.config(), weights, modules.norms().unet());
      Map<String, Program> programs =
          motion.orElse(unet).config().checked(() -> programs(sizes, modules));
      weights = modules.table().in(weights);
      requireFitting(Objects.requireNonNull(programs.get(AnimateDiffFlow.UNET)), weights, origin);
      return new MotionUnet(ModelFlows.attach(programs, weights), modules.positions());
    } catch (RuntimeException e) {
      weights.close();
      throw e;
    }
  }

  private static void requireMotion(TensorSource weights) {
    if (weights.names().stream().noneMatch(name -> name.contains(MOTION))) {
      throw new CheckpointException(
          weights.origin()
              + ": expected motion modules beside the UNet, in a folder motion_adapter or a file, or"
              + " named as the part motion_adapter; found none");
    }
  }

  /** Refuses modules that were made for a UNet of other sizes. */
  private static void requireFitting(Program denoiser, TensorSource weights, String origin) {
    denoiser
        .weights()
        .forEach(
            (name, value) -> {
              var expected = value.shape().dims().stream().map(Dim::value).toList();
              var found = weights.find(name).map(TensorInfo::shape);
              if (name.contains(MOTION) && found.filter(expected::equals).isEmpty()) {
                throw new CheckpointException(
                    "%s: tensor '%s': expected shape %s, as the UNet has it, found %s; motion"
                            .formatted(
                                origin, name, expected, found.map(Object::toString).orElse("none"))
                        + " modules run only in a UNet of the sizes that they were made for");
              }
            });
  }

  static Map<String, Program> programs(UnetConfig config, MotionConfig motion) {
    var unet = new UnetMotionModel(config, motion.in(config));
    return Map.of(
        ComponentDescription.conditioning(AnimateDiffFlow.UNET),
        unet.conditioning(),
        AnimateDiffFlow.UNET,
        unet.denoiser());
  }
}
