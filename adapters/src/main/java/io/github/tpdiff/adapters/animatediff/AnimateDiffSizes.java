package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.adapters.ClipTextConfig;
import io.github.tpdiff.adapters.ClipTextModel;
import io.github.tpdiff.adapters.madeup.MadeUpPart;
import io.github.tpdiff.adapters.madeup.MadeUpWords;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op.UnaryKind;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.text.ClipTokenizerWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The sizes of all components of one model, and the configuration files that record them. */
record AnimateDiffSizes(
    UnetConfig unet, MotionConfig motion, AutoencoderKlConfig vae, ClipTextConfig textEncoder) {
  /** Stable Diffusion 1.5 with motion modules v3. */
  static final AnimateDiffSizes SD_1_5 =
      new AnimateDiffSizes(
          UnetConfig.PUBLISHED,
          MotionConfig.PUBLISHED,
          AutoencoderKlConfig.PUBLISHED,
          ClipTextConfig.PUBLISHED);

  /** Tokens of prompts of a sentence: the made-up text encoder has nothing to say about more. */
  private static final int SENTENCE = 16;

  /** The structure at a size that two processor cores train in a minute. */
  static AnimateDiffSizes tiny() {
    int vocabulary = tokenizer(SENTENCE).vocabularySize();
    var unet =
        new UnetConfig(
            List.of(32, 48), 1, List.of(true, false), 2, 64, 4, 1, 1e-5, NormStatistics.FRAME);
    return new AnimateDiffSizes(
        unet,
        new MotionConfig(
            2,
            MotionConfig.PUBLISHED.positions(),
            1,
            false,
            NormConvention.DIFFUSERS,
            PositionTable.COMPUTED),
        PictureCodec.CONFIG,
        new ClipTextConfig(vocabulary, SENTENCE, 64, 2, 4, 128, UnaryKind.QUICK_GELU, 1e-5, 2));
  }

  private static ClipTokenizerWriter tokenizer(int length) {
    return new ClipTokenizerWriter(MadeUpWords.ALL, length);
  }

  /** The tokenizer, with no more tokens than the text encoder has positions. */
  ClipTokenizerWriter tokenizer() {
    return tokenizer(textEncoder.positions());
  }

  /** The values of each part that are not to be random. */
  record Start(MadeUpPart.Values unet, MadeUpPart.Values motion, MadeUpPart.Values vae) {
    static final Start RANDOM = new Start(MadeUpPart.RANDOM, MadeUpPart.RANDOM, MadeUpPart.RANDOM);
  }

  /** The four parts, in the order in which they are written. */
  List<MadeUpPart> parts(Start start) {
    return List.of(
        part("unet", false, PartConfigs.unet(unet, unet.channels()), start.unet()),
        part(
            "motion_adapter",
            true,
            PartConfigs.motion(motion, unet.widths(), unet.layers()),
            start.motion()),
        new MadeUpPart(
            "vae",
            MadeUpPart.DIFFUSERS_FILE,
            () -> List.copyOf(StableDiffusionParts.vae(vae).values()),
            PartConfigs.vae(vae),
            start.vae()),
        new MadeUpPart(
            "text_encoder",
            "model",
            () -> List.of(new ClipTextModel(textEncoder).program()),
            textEncoder.fields(),
            MadeUpPart.RANDOM));
  }

  private MadeUpPart part(
      String folder, boolean modules, Map<String, Object> config, MadeUpPart.Values values) {
    return new MadeUpPart(
        folder, MadeUpPart.DIFFUSERS_FILE, () -> List.of(weights(folder, modules)), config, values);
  }

  /** A program that uses the tensors of the motion modules, or all others of the network. */
  private Program weights(String name, boolean modules) {
    Map<String, Value> used = new LinkedHashMap<>();
    AnimateDiffComponents.programs(unet, motion)
        .values()
        .forEach(program -> program.weights().forEach(used::putIfAbsent));
    used.keySet().removeIf(tensor -> tensor.contains(".motion_modules.") != modules);
    return new Program(name, List.of(new Graph(name, used)), List.copyOf(used.keySet()));
  }
}
