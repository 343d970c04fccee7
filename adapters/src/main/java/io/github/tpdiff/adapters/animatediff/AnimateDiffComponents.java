package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.ConfigFile;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.checkpoint.Checkpoint;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;

/** Opens a UNet together with the motion modules that go into it. */
public final class AnimateDiffComponents {
  private AnimateDiffComponents() {}

  /** Conditioning and denoiser of a UNet's folder and a motion adapter's. */
  public static Map<Role, Component> openUnet(Path unet, Path motion) {
    TensorSource weights = Checkpoint.open(unet).overlaid(Checkpoint.open(motion));
    try {
      var config =
          UnetConfig.read(
              ConfigFile.open(unet.resolve("config.json")), weights, NormStatistics.FRAME);
      var modules =
          MotionConfig.read(
              ConfigFile.open(motion.resolve("config.json")), weights, NormStatistics.CLIP);
      return attach(programs(config, modules), weights);
    } catch (RuntimeException e) {
      weights.close();
      throw e;
    }
  }

  static Map<Role, Program> programs(UnetConfig config, MotionConfig motion) {
    var unet = new UnetMotionModel(config, motion);
    return Map.of(Role.CONDITIONING, unet.conditioning(), Role.DENOISER, unet.denoiser());
  }

  private static Map<Role, Component> attach(Map<Role, Program> programs, TensorSource weights) {
    var components = new EnumMap<Role, Component>(Role.class);
    programs.forEach((role, program) -> components.put(role, new Component(program, weights)));
    return components;
  }
}
