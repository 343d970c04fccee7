package io.github.tpdiff.adapters.wan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class WanTemplateTest {
  @TempDir private Path temporary;

  /** An autoencoder of another generation lies beside a transformer. */
  @Test
  void latentsThatTheTransformerDoesNotTake_areRefusedByField() {
    write("wan-tiny", List.of("transformer"));
    write("wan22-5b-tiny", List.of("vae"));
    var failure =
        assertThrows(CheckpointException.class, () -> new WanFamily().open(temporary).close());
    assertEquals(
        temporary.resolve("transformer").resolve("config.json")
            + ": out_channels: expected 48, the z_dim of the vae beside it, found 12",
        failure.getMessage());
  }

  private void write(String template, List<String> components) {
    Path own = temporary.resolve(template);
    Objects.requireNonNull(WanTemplate.all().get(template))
        .write(new CheckpointTemplate.Order(own, DType.F32, components, (written, total) -> {}));
    for (String component : components) {
      try {
        Files.move(own.resolve(component), temporary.resolve(component));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** Counts of the published checkpoints. */
  @ParameterizedTest
  @CsvSource({
    "wan-1.3b, TRANSFORMER, 825, 1418996800",
    "wan-14b, TRANSFORMER, 1095, 14288491584",
    "wan-i2v-14b, TRANSFORMER, 1303, 16394878784",
    "wan22-5b, TRANSFORMER, 825, 4999787712",
    "wan22-5b, VAE, 196, 704688668",
    "wan22-a14b, TRANSFORMER, 1095, 14288491584",
    "wan22-a14b, TRANSFORMER_2, 1095, 14288491584",
    "wan22-i2v-a14b, TRANSFORMER_2, 1095, 14288901184",
    "wan-1.3b, VAE, 194, 126892531",
    "wan-1.3b, TEXT_ENCODER, 242, 5680910336"
  })
  void sizes_areThePublishedOnes(String name, WanComponent component, int tensors, long elements) {
    WanSizes sizes =
        switch (name) {
          case "wan-1.3b" -> WanSizes.ofText1_3B();
          case "wan-14b" -> WanSizes.ofText14B();
          case "wan-i2v-14b" -> WanSizes.ofPicture14B();
          case "wan22-5b" -> WanSizes.ofGivenFrame5B();
          case "wan22-a14b" -> WanSizes.ofTextA14B();
          default -> WanSizes.ofPictureA14B();
        };
    Map<String, Long> counts = new HashMap<>();
    for (var program : sizes.programs(component)) {
      program
          .weights()
          .forEach((key, value) -> counts.put(key, value.shape().elementCount().value()));
    }
    assertEquals(tensors, counts.size());
    assertEquals(elements, counts.values().stream().mapToLong(Long::longValue).sum());
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F16", "BF16"})
  void tiny_opensCompleteInEveryType(DType dtype) {
    Path folder = temporary.resolve("tiny");
    write(folder, dtype, tiny().defaultComponents());
    var family = ModelFamily.all().stream().filter(f -> f.name().equals("wan")).findFirst();
    assertTrue(family.orElseThrow().recognises(folder));
    try (var model = family.orElseThrow().open(folder)) {
      assertEquals(
          model.description().flow().components().stream()
              .map(ComponentDescription::name)
              .collect(Collectors.toSet()),
          model.components().keySet());
      assertEquals(7, model.components().size());
      model
          .components()
          .values()
          .forEach(
              c ->
                  c.program()
                      .weights()
                      .forEach(
                          (name, value) -> {
                            var info = c.weights().require(name);
                            assertEquals(dtype, info.dtype(), name);
                            assertEquals(
                                value.shape().dims().stream().map(d -> d.value()).toList(),
                                info.shape(),
                                name);
                          }));
      assertEquals(
          16,
          model
              .tokenizers()
              .get("tokenizer")
              .encode(List.of("a red ball rolls"), 16)
              .inputIds()[0]
              .length);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "wan-i2v-tiny, WanImageToVideoPipeline, 1, transformer/conditioning image_encoder",
    "wan22-5b-tiny, WanPipeline, 1, vae_encoder",
    "wan22-a14b-tiny, WanPipeline, 2, transformer_2/conditioning transformer_2"
  })
  void everyTinySize_opensAsWhatItIs(String name, String pipeline, int denoisers, String components)
      throws Exception {
    Path folder = temporary.resolve(name);
    CheckpointTemplate template = Objects.requireNonNull(WanTemplate.all().get(name));
    template.write(
        new CheckpointTemplate.Order(
            folder, DType.F32, template.defaultComponents(), (bytes, total) -> {}));
    assertTrue(Files.readString(folder.resolve("model_index.json")).contains(pipeline));
    try (var model = new WanFamily().open(folder)) {
      var flow = model.description().flow();
      assertEquals(denoisers, flow.denoisers().size());
      assertEquals(!name.contains("a14b"), flow.pictures().isPresent());
      assertTrue(model.components().keySet().containsAll(List.of(components.split(" "))));
      assertTrue(model.components().keySet().containsAll(flow.generating()));
    }
  }

  @Test
  void folderWithFiles_isRefusedAndLeftAlone() throws Exception {
    Path file = Files.writeString(temporary.resolve("mine.txt"), "mine");
    var refusal =
        assertThrows(
            CheckpointException.class,
            () -> write(temporary, DType.F32, tiny().defaultComponents()));
    assertTrue(refusal.getMessage().contains("empty folder"), refusal.getMessage());
    assertEquals("mine", Files.readString(file));
  }

  @Test
  void partOfACheckpoint_opensAsThatPart() {
    Path folder = temporary.resolve("part");
    write(folder, DType.BF16, List.of("transformer"));
    try (var model = new WanFamily().open(folder)) {
      assertEquals(List.of("transformer", "transformer/conditioning"), names(model.components()));
    }
    try (var model = new WanFamily().open(folder.resolve("transformer"))) {
      assertEquals(List.of("transformer", "transformer/conditioning"), names(model.components()));
    }
  }

  private static List<String> names(Map<String, ?> components) {
    return components.keySet().stream().sorted().toList();
  }

  /** A picture without detail comes back as it was, at every frame of a group. */
  @Test
  void tinyCodec_restoresBrightnessColourAndTime() {
    Path folder = temporary.resolve("codec");
    write(folder, DType.F32, List.of("vae"));
    var vae = WanComponents.openVae(folder);
    int side = 64;
    float[][] colours = {{0.5f, -0.3f, 0.1f}, {0.4f, 0, 0.2f}, {-0.6f, 0.7f, 0}, {0, 0.1f, 0.9f}};
    var first =
        Codec.encode(
            vae,
            ComponentDescription.first(ComponentDescription.VAE_ENCODER),
            Map.of(),
            plain(side, colours[3]));
    var next = Codec.encode(vae, ComponentDescription.VAE_ENCODER, first, plain(side, colours));
    var shown =
        Codec.decode(
            vae, ComponentDescription.first(ComponentDescription.VAE_DECODER), Map.of(), first);
    assertMiddle(shown, side, colours[3]);
    assertMiddle(Codec.decode(vae, ComponentDescription.VAE_DECODER, shown, next), side, colours);
    vae.components().values().forEach(c -> c.weights().close());
  }

  /** Pure noise is predicted to be noise: what blocks add lies in other channels. */
  @Test
  void tinyTransformer_startsByGivingBackNoise() {
    Path folder = temporary.resolve("transformer");
    write(folder, DType.F32, List.of("transformer"));
    try (var model = new WanFamily().open(folder);
        var engine = new ReferenceEngine()) {
      Component denoiser = Objects.requireNonNull(model.components().get(WanFlow.TRANSFORMER));
      Component prompts =
          Objects.requireNonNull(
              model.components().get(ComponentDescription.conditioning(WanFlow.TRANSFORMER)));
      Tensor noise = normal(1, 12, 3, 4, 4);
      float[] found;
      try (var network =
          engine.load(prompts.program().then(denoiser.program()), denoiser.weights())) {
        found =
            Objects.requireNonNull(
                    network
                        .run(
                            Map.of(
                                "hidden_states", noise,
                                "timestep", Tensor.ofFloats(new float[] {1000}, 1),
                                "temporal_positions", Tensor.ofFloats(new float[] {0, 1, 2}, 3),
                                "row_positions", Tensor.ofFloats(new float[] {0, 1, 2, 3}, 4),
                                "column_positions", Tensor.ofFloats(new float[] {0, 1, 2, 3}, 4),
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

  @Test
  void defaults_areTheCheckpointsOwn_elseThePublished() throws Exception {
    Path folder = temporary.resolve("tiny");
    write(folder, DType.BF16, List.of("vae"));
    assertEquals(WanDefaults.TINY, defaults(folder));
    Path file = folder.resolve("tpdiff_defaults.json");
    Files.writeString(file, Files.readString(file).replace("\"steps\": 24", "\"steps\": 0"));
    var refusal = assertThrows(CheckpointException.class, () -> defaults(folder));
    assertTrue(refusal.getMessage().startsWith(file + ": "), refusal.getMessage());
    assertTrue(
        refusal.getMessage().contains("steps: expected from 1 to 10000"), refusal.getMessage());
    Files.delete(file);
    assertEquals(WanVariant.TEXT.defaults(), defaults(folder));
  }

  private static ModelDescription.Defaults defaults(Path folder) {
    try (var model = new WanFamily().open(folder)) {
      return model.description().defaults();
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

  /** The picture's middle: its border fades to grey, since convolutions see zeros beyond it. */
  private static void assertMiddle(Map<String, Tensor> decoded, int side, float[]... frames) {
    Tensor video = Objects.requireNonNull(decoded.get("sample"));
    assertEquals(frames.length, video.shape()[2]);
    for (int c = 0; c < 3; c++) {
      for (int f = 0; f < frames.length; f++) {
        int at = ((c * frames.length + f) * side + side / 2) * side + side / 2;
        // The constant channel's finite size costs a few thousandths.
        assertEquals(frames[f][c], video.floats().get(at), 0.01, "channel " + c + " frame " + f);
      }
    }
  }

  private static CheckpointTemplate tiny() {
    return Objects.requireNonNull(new WanFamily().templates().get("wan-tiny"));
  }

  private static void write(Path folder, DType dtype, List<String> components) {
    tiny().write(new CheckpointTemplate.Order(folder, dtype, components, (bytes, total) -> {}));
  }
}
