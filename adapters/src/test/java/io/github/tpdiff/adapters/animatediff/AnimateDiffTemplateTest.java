package io.github.tpdiff.adapters.animatediff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class AnimateDiffTemplateTest {
  @TempDir private Path temporary;

  @ParameterizedTest
  @CsvSource({
    "unet, 686, 859520964",
    "motion_adapter, 520, 417137600",
    "vae, 248, 83653863",
    "text_encoder, 196, 123060480"
  })
  void sizes_areThePublishedOnes(String part, int tensors, long elements) {
    Map<String, Long> counts = new HashMap<>();
    AnimateDiffSizes.SD_1_5.parts(AnimateDiffSizes.Start.RANDOM).stream()
        .filter(candidate -> candidate.folder().equals(part))
        .flatMap(candidate -> candidate.programs().get().stream())
        .forEach(
            program ->
                program
                    .weights()
                    .forEach(
                        (key, value) -> counts.put(key, value.shape().elementCount().value())));
    assertEquals(tensors, counts.size());
    assertEquals(elements, counts.values().stream().mapToLong(Long::longValue).sum());
  }

  @Test
  void tiny_opensComplete() {
    write(tiny().defaultComponents());
    ModelFamily family =
        ModelFamily.all().stream()
            .filter(candidate -> candidate.name().equals("animatediff"))
            .findFirst()
            .orElseThrow();
    assertTrue(family.recognises(temporary.resolve("tiny")));
    try (VideoModel model = family.open(temporary.resolve("tiny"))) {
      assertEquals(
          Set.of("text_encoder", "unet/conditioning", "unet", "vae_encoder", "vae_decoder"),
          model.components().keySet());
      assertEquals("unet", model.description().denoiser());
      assertEquals(32, model.description().latents().maxFrames());
      for (Component component : model.components().values()) {
        component
            .program()
            .weights()
            .forEach(
                (name, value) ->
                    assertEquals(
                        value.shape().dims().stream().map(d -> d.value()).toList(),
                        component.weights().require(name).shape(),
                        name));
      }
      int length = model.description().flow().texts().get(0).maxLength();
      assertEquals(16, length, "as many tokens as the text encoder has positions");
      long[] ids =
          model.tokenizers().get("tokenizer").encode(List.of("a red ball"), length).inputIds()[0];
      assertEquals(length, ids.length);
      assertEquals(ids[4], ids[length - 1], "one token a known word, then the end, which pads");
    }
  }

  @Test
  void unetWithoutMotionModules_isRefused() {
    write(List.of("unet"));
    var refusal =
        assertThrows(
            CheckpointException.class,
            () -> new AnimateDiffFamily().open(temporary.resolve("tiny")));
    assertTrue(refusal.getMessage().contains("expected motion modules"), refusal.getMessage());
  }

  /** A picture without detail comes back as it was. */
  @Test
  void tinyCodec_restoresBrightnessAndColour() {
    write(List.of("vae"));
    var vae = StableDiffusionParts.openVae(temporary.resolve("tiny/vae"));
    int side = 64;
    float[][] colours = {{0.5f, -0.3f, 0.1f}, {-0.6f, 0.7f, 0}};
    Tensor latents =
        run(vae, ComponentDescription.VAE_ENCODER, "sample", plain(side, colours), "latent_mean");
    Tensor shown = run(vae, ComponentDescription.VAE_DECODER, "latent_sample", latents, "sample");
    for (int c = 0; c < 3; c++) {
      for (int f = 0; f < 2; f++) {
        int at = ((c * 2 + f) * side + side / 2) * side + side / 2;
        // The constant channels' finite size costs a few thousandths.
        assertEquals(colours[f][c], shown.floats().get(at), 0.01, "channel " + c + " frame " + f);
      }
    }
    vae.components().values().forEach(component -> component.weights().close());
  }

  /** Pure noise is predicted to be noise, if somewhat less of it. */
  @Test
  void tinyUnet_startsByGivingBackNoise() {
    write(List.of("unet", "motion_adapter"));
    try (VideoModel model = new AnimateDiffFamily().open(temporary.resolve("tiny"));
        var engine = new ReferenceEngine()) {
      Component denoiser = Objects.requireNonNull(model.components().get(AnimateDiffFlow.UNET));
      Component prompts =
          Objects.requireNonNull(
              model.components().get(ComponentDescription.conditioning(AnimateDiffFlow.UNET)));
      Tensor noise = normal(1, 4, 3, 8, 8);
      float[] found;
      try (var unet = engine.load(prompts.program().then(denoiser.program()), denoiser.weights())) {
        found =
            Objects.requireNonNull(
                    unet.run(
                            Map.of(
                                "hidden_states", noise,
                                "timestep", Tensor.ofFloats(new float[] {999}, 1),
                                "temporal_positions", Tensor.ofFloats(new float[] {0, 1, 2}, 3),
                                "encoder_hidden_states", normal(1, 16, 64)))
                        .get("out_hidden_states"))
                .toFloatArray();
      }
      float[] given = noise.toFloatArray();
      double error = 0;
      double size = 0;
      for (int i = 0; i < given.length; i++) {
        error += Math.pow(found[i] - given[i], 2);
        size += Math.pow(given[i], 2);
      }
      assertTrue(Math.sqrt(error / size) < 0.5, "relative error " + Math.sqrt(error / size));
    }
  }

  private static Tensor normal(long... shape) {
    var random = new Random(shape.length);
    var values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.ofFloats(values, shape);
  }

  private static Tensor plain(int side, float[]... frames) {
    int area = side * side;
    var values = new float[3 * frames.length * area];
    for (int i = 0; i < values.length; i++) {
      values[i] = frames[i / area % frames.length][i / area / frames.length];
    }
    return Tensor.ofFloats(values, 1, 3, frames.length, side, side);
  }

  private static Tensor run(
      StableDiffusionParts.Vae vae, String name, String input, Tensor values, String output) {
    Component component = Objects.requireNonNull(vae.components().get(name));
    try (var engine = new ReferenceEngine();
        var executable = engine.load(component.program(), component.weights())) {
      return Objects.requireNonNull(executable.run(Map.of(input, values)).get(output));
    }
  }

  private static CheckpointTemplate tiny() {
    return Objects.requireNonNull(new AnimateDiffFamily().templates().get("animatediff-tiny"));
  }

  private void write(List<String> components) {
    tiny()
        .write(
            new CheckpointTemplate.Order(
                temporary.resolve("tiny"), DType.F32, components, (bytes, total) -> {}));
  }
}
