package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.ClipVisionConfig;
import io.github.tpdiff.adapters.madeup.MadeUpCheckpoint;
import io.github.tpdiff.adapters.madeup.MadeUpPart;
import io.github.tpdiff.adapters.madeup.MadeUpTokenizer;
import io.github.tpdiff.adapters.madeup.T5Scale;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.weights.TensorInfo;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** The sizes of Wan that can be written with made-up weights. */
final class WanTemplate {
  private static final List<WanComponent> NETWORK = List.of(WanComponent.TRANSFORMER);
  private static final List<WanComponent> WITH_VAE =
      List.of(WanComponent.TRANSFORMER, WanComponent.VAE);

  private WanTemplate() {}

  static Map<String, CheckpointTemplate> all() {
    Map<String, CheckpointTemplate> all = new LinkedHashMap<>();
    all.put(
        "wan-tiny",
        tiny(
            "Wan in small (3 blocks of width 96): random weights to train,"
                + " and a codec that shows blurred pictures",
            WanSizes.tiny()));
    all.put(
        "wan-i2v-tiny",
        tiny("the same for videos that begin with a picture", WanSizes.tinyPicture()));
    all.put(
        "wan22-5b-tiny",
        tiny(
            "Wan 2.2 5B in small (3 blocks of width 256), for text with and without a picture",
            WanSizes.tinyGivenFrame()));
    all.put(
        "wan22-a14b-tiny",
        tiny("Wan in small with two experts, as Wan 2.2 A14B", WanSizes.tinyTwo()));
    all.put("wan-1.3b", large("Wan 2.1 T2V 1.3B", WanSizes.ofText1_3B(), WITH_VAE));
    all.put("wan-14b", large("Wan 2.1 T2V 14B", WanSizes.ofText14B(), NETWORK));
    all.put("wan-i2v-14b", large("Wan 2.1 I2V 14B", WanSizes.ofPicture14B(), NETWORK));
    all.put("wan22-5b", large("Wan 2.2 TI2V 5B", WanSizes.ofGivenFrame5B(), WITH_VAE));
    List<WanComponent> both = List.of(WanComponent.TRANSFORMER, WanComponent.TRANSFORMER_2);
    all.put("wan22-a14b", large("Wan 2.2 T2V A14B", WanSizes.ofTextA14B(), both));
    all.put("wan22-i2v-a14b", large("Wan 2.2 I2V A14B", WanSizes.ofPictureA14B(), both));
    return all;
  }

  private static CheckpointTemplate tiny(String description, WanSizes sizes) {
    boolean givenFrame = sizes.variant() == WanVariant.GIVEN_FRAME;
    return template(
        description,
        sizes,
        component ->
            switch (component) {
              case TRANSFORMER, TRANSFORMER_2 -> new NoisePassage(sizes.transformer())::find;
              case VAE -> givenFrame ? new ResidualCodec()::find : new LinearCodec()::find;
              case TEXT_ENCODER, IMAGE_ENCODER -> MadeUpPart.RANDOM;
            },
        Optional.of(givenFrame ? WanDefaults.TINY_GIVEN_FRAME : WanDefaults.TINY),
        sizes.components());
  }

  private static CheckpointTemplate large(
      String model, WanSizes sizes, List<WanComponent> standard) {
    return template(
        "the sizes of %s, random weights".formatted(model),
        sizes,
        component -> MadeUpPart.RANDOM,
        Optional.empty(),
        standard);
  }

  private static CheckpointTemplate template(
      String description,
      WanSizes sizes,
      Function<WanComponent, MadeUpPart.Values> values,
      Optional<ModelDescription.Defaults> defaults,
      List<WanComponent> standard) {
    return new MadeUpCheckpoint(
        description,
        sizes.components().stream()
            .map(
                component ->
                    new MadeUpPart(
                        component.folder(),
                        component.file(),
                        () -> sizes.programs(component),
                        sizes.config(component),
                        values.apply(component)))
            .toList(),
        standard.stream().map(WanComponent::folder).toList(),
        WanTemplate::scale,
        new MadeUpCheckpoint.Surroundings(
            sizes.variant().surroundings(sizes.imageEncoder().map(ClipVisionConfig::imageSize)),
            List.of(MadeUpTokenizer.only(folder -> WanSizes.tokenizer().write(folder))),
            defaults));
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
