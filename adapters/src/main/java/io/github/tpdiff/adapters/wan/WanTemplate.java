package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.madeup.MadeUpCheckpoint;
import io.github.tpdiff.adapters.madeup.MadeUpPart;
import io.github.tpdiff.adapters.madeup.MadeUpTokenizer;
import io.github.tpdiff.adapters.madeup.T5Scale;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.weights.TensorInfo;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The sizes of Wan that can be written with made-up weights. */
final class WanTemplate {
  /** The networks of a model of texts alone. */
  private static final List<WanComponent> TEXT =
      List.of(WanComponent.TRANSFORMER, WanComponent.VAE, WanComponent.TEXT_ENCODER);

  private WanTemplate() {}

  static Map<String, CheckpointTemplate> all() {
    return Map.of("wan-tiny", tiny(), "wan-1.3b", large(), "wan-14b", largest());
  }

  private static CheckpointTemplate tiny() {
    WanSizes sizes = WanSizes.tiny();
    return template(
        "Wan in small (3 blocks of width 96): random weights to train,"
            + " and a codec that shows blurred pictures",
        parts(sizes, new NoisePassage(sizes.transformer())::find, new LinearCodec()::find),
        Optional.of(WanDefaults.TINY),
        TEXT.toArray(WanComponent[]::new));
  }

  private static CheckpointTemplate large() {
    return template(
        "the sizes of Wan 2.1 T2V 1.3B, random weights",
        parts(WanSizes.WAN_1_3B, MadeUpPart.RANDOM, MadeUpPart.RANDOM),
        Optional.empty(),
        WanComponent.TRANSFORMER,
        WanComponent.VAE);
  }

  private static CheckpointTemplate largest() {
    return template(
        "the sizes of Wan 2.1 T2V 14B, random weights",
        parts(WanSizes.WAN_14B, MadeUpPart.RANDOM, MadeUpPart.RANDOM),
        Optional.empty(),
        WanComponent.TRANSFORMER);
  }

  private static CheckpointTemplate template(
      String description,
      List<MadeUpPart> parts,
      Optional<ModelDescription.Defaults> defaults,
      WanComponent... standard) {
    return new MadeUpCheckpoint(
        description,
        parts,
        Arrays.stream(standard).map(WanComponent::folder).toList(),
        WanTemplate::scale,
        new MadeUpCheckpoint.Surroundings(
            Map.of(
                "model_index.json",
                WanSizes.modelIndex(),
                "scheduler/scheduler_config.json",
                WanDefaults.SCHEDULER),
            List.of(MadeUpTokenizer.only(folder -> WanSizes.tokenizer().write(folder))),
            defaults));
  }

  private static List<MadeUpPart> parts(
      WanSizes sizes, MadeUpPart.Values transformer, MadeUpPart.Values codec) {
    return TEXT.stream()
        .map(
            component ->
                new MadeUpPart(
                    component.folder(),
                    component == WanComponent.TEXT_ENCODER ? "model" : MadeUpPart.DIFFUSERS_FILE,
                    () -> sizes.programs(component),
                    sizes.config(component),
                    switch (component) {
                      case TRANSFORMER, TRANSFORMER_2 -> transformer;
                      case VAE -> codec;
                      case TEXT_ENCODER, IMAGE_ENCODER -> MadeUpPart.RANDOM;
                    }))
        .toList();
  }

  /** Of a tensor's deviation, over 1/√fan-in. */
  private static double scale(TensorInfo info) {
    String name = info.name();
    if (name.endsWith("scale_shift_table")) {
      return Math.sqrt((double) info.shape().get(1));
    }
    return name.equals("proj_out.weight") ? 0.1 : T5Scale.of(info);
  }
}
