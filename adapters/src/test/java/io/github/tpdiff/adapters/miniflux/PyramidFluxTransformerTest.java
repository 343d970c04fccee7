package io.github.tpdiff.adapters.miniflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.adapters.Golden;
import io.github.tpdiff.adapters.PublishedTensors;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.ConfigFile;
import io.github.tpdiff.runtime.reference.ContractData;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class PyramidFluxTransformerTest {
  private static final PyramidFluxConfig PUBLISHED =
      new PyramidFluxConfig(30, 64, 8, 16, 7680, 16, 4096, 768, 256, List.of(16, 24, 24));

  private static final PyramidFluxConfig SMALL =
      new PyramidFluxConfig(2, 8, 1, 2, 24, 4, 6, 5, 8, List.of(4, 2, 2));

  private static final int TEXT = 4;
  private static final int FRAMES = 3;

  /** Rounding of sums of a few dozen products in fp32, over values around 1. */
  private static final float ROUNDING = 1e-5f;

  @ParameterizedTest
  @EnumSource
  void forward_matchesTheAuthorsCodeAtEveryStride(FrameAttention attention) {
    try (var golden = Golden.open("miniflux/rope-positions")) {
      var parts = MiniFluxComponents.openTransformer(golden.checkpoint(), attention);
      for (String run : List.of("stride1", "stride2", "stride4")) {
        String in = "in." + run + ".";
        var prompt = new HashMap<String, Tensor>();
        for (String name :
            List.of("encoder_hidden_states", "encoder_attention_mask", "pooled_projections")) {
          prompt.put(name, golden.tensor(in + name));
        }
        var inputs =
            new HashMap<>(
                run(parts, ComponentDescription.conditioning(MiniFluxFlow.TRANSFORMER), prompt));
        inputs.put("hidden_states", golden.tensor(in + "hidden_states"));
        inputs.put("timestep", golden.tensor(in + "timestep"));
        inputs.put("temporal_positions", golden.floats(in + "temporal_positions"));
        inputs.put("row_positions", counted(6));
        inputs.put("column_positions", counted(8));
        Tensor sample = run(parts, MiniFluxFlow.TRANSFORMER, inputs).get("out_hidden_states");
        String path = attention.name().toLowerCase(Locale.ROOT);
        golden.assertMatches("out." + run + "." + path + ".sample", require(sample));
      }
      parts.values().forEach(part -> part.weights().close());
    }
  }

  private static Tensor counted(int places) {
    var positions = new float[places];
    for (int n = 0; n < places; n++) {
      positions[n] = n;
    }
    return Tensor.ofFloats(positions, places);
  }

  /** A token of the text turns nothing; one of the video has a share of its head for each axis. */
  @Test
  void angles_areThePositionsOfFramesRowsAndColumns_atTheirFrequencies() {
    Graph embed =
        new PyramidFluxTransformer(SMALL, FrameAttention.FULL).denoiser().segments().get(0);
    var program = new Program("embed", List.of(embed), List.of("rope_cos"));
    float[][] positions = {{0, 3}, {0, 4, 8, 12}, {0, 1, 2, 3, 10, 11}};
    var inputs = new HashMap<String, Tensor>();
    inputs.put("hidden_states", Tensor.zeros(1, SMALL.channels(), 2, 4, 6));
    inputs.put("timestep", Tensor.zeros(1));
    inputs.put("pooled_embedding", Tensor.zeros(1, SMALL.width()));
    inputs.put("text_bias", Tensor.zeros(1, 1));
    inputs.put("temporal_positions", Tensor.ofFloats(positions[0], 2));
    inputs.put("row_positions", Tensor.ofFloats(positions[1], 4));
    inputs.put("column_positions", Tensor.ofFloats(positions[2], 6));
    float[] found;
    try (var weights = ContractData.weights(program, DType.F32)) {
      found = require(run(program, weights, inputs).get("rope_cos")).toFloatArray();
    }
    int pairs = SMALL.rotaryDims().stream().mapToInt(dims -> dims / 2).sum();
    assertThat(found).hasSize((1 + 2 * 2 * 3) * pairs);
    assertThat(Arrays.copyOf(found, pairs)).containsOnly(1);
    for (int token = 0; token < 2 * 2 * 3; token++) {
      double[] at = {
        positions[0][token / 6],
        positions[1][token / 3 % 2 * 2] / 2,
        positions[2][token % 3 * 2] / 2
      };
      int pair = (1 + token) * pairs;
      for (int axis = 0; axis < 3; axis++) {
        int dims = SMALL.rotaryDims().get(axis);
        for (int j = 0; j < dims / 2; j++) {
          double angle = at[axis] * Math.pow(10_000, -2.0 * j / dims);
          assertThat((double) found[pair++]).isCloseTo(Math.cos(angle), within(1e-6));
        }
      }
    }
  }

  private static Map<String, Tensor> run(
      Map<String, Component> parts, String name, Map<String, Tensor> inputs) {
    Component part = Objects.requireNonNull(parts.get(name));
    return run(part.program(), part.weights(), inputs);
  }

  private static Map<String, Tensor> run(
      Program program, TensorSource weights, Map<String, Tensor> inputs) {
    try (var engine = new ReferenceEngine();
        var executable = engine.load(program, weights)) {
      return executable.run(inputs);
    }
  }

  private static Tensor require(@org.jspecify.annotations.Nullable Tensor tensor) {
    return Objects.requireNonNull(tensor);
  }

  @Test
  void tensors_areThoseOfThePublishedCheckpoint() {
    var transformer = new PyramidFluxTransformer(PUBLISHED, FrameAttention.FULL);
    var read = PublishedTensors.of(List.of(transformer.conditioning(), transformer.denoiser()));
    var firstBlocks = new HashMap<>(read);
    firstBlocks.keySet().removeIf(name -> name.matches(".*blocks\\.[1-9].*"));
    assertThat(firstBlocks).isEqualTo(PublishedTensors.listed("miniflux/transformer-tensors.txt"));
    assertThat(read).hasSize(496);
    assertThat(elements(transformer)).isEqualTo(1_972_059_200L);
  }

  private static long elements(PyramidFluxTransformer transformer) {
    return transformer.conditioning().then(transformer.denoiser()).weights().values().stream()
        .mapToLong(weight -> weight.shape().elementCount().value())
        .sum();
  }

  @Test
  void oneFrame_isTheSameEitherWay() {
    var clip = new Clip(1, TEXT);
    assertThat(clip.predict(FrameAttention.CAUSAL))
        .usingComparatorWithPrecision(ROUNDING)
        .containsExactly(clip.predict(FrameAttention.FULL));
  }

  @ParameterizedTest
  @EnumSource
  void padding_changesNothing(FrameAttention attention) {
    var padded = new Clip(FRAMES, TEXT + 3);
    Arrays.fill(padded.mask, TEXT, TEXT + 3, 0);
    assertThat(padded.predict(attention))
        .usingComparatorWithPrecision(ROUNDING)
        .containsExactly(new Clip(FRAMES, TEXT).predict(attention));
  }

  @Test
  void aLaterFrame_changesEarlierOnesOnlyWhereAttentionIsFull() {
    var clip = new Clip(FRAMES, TEXT);
    for (FrameAttention attention : FrameAttention.values()) {
      float[] before = frames(clip.predict(attention), 0, FRAMES - 1);
      float[] after = frames(clip.withLastFrame(9).predict(attention), 0, FRAMES - 1);
      if (attention == FrameAttention.CAUSAL) {
        assertThat(after).usingComparatorWithPrecision(ROUNDING).containsExactly(before);
      } else {
        assertThat(after).isNotEqualTo(before);
      }
    }
  }

  @Test
  void theFirstFrame_changesLaterOnes() {
    var clip = new Clip(FRAMES, TEXT);
    var other = new Clip(FRAMES, TEXT);
    other.latents[0] += 3;
    for (FrameAttention attention : FrameAttention.values()) {
      assertThat(frames(other.predict(attention), 1, FRAMES))
          .isNotEqualTo(frames(clip.predict(attention), 1, FRAMES));
    }
  }

  /** Engines compile what is equal but for names once. */
  @Test
  void blocks_differInNamesOnly() {
    var segments = new PyramidFluxTransformer(PUBLISHED, FrameAttention.FULL).denoiser().segments();
    assertThat(nameless(segments, 2)).isEqualTo(nameless(segments, 1));
    assertThat(nameless(segments, 10)).isEqualTo(nameless(segments, 9));
    assertThat(nameless(segments, 9)).isNotEqualTo(nameless(segments, 1));
  }

  private static List<String> nameless(
      List<io.github.tpdiff.runtime.graph.Graph> segments, int index) {
    return segments.get(index).nodes().stream()
        .map(node -> node.toString().replaceAll("blocks\\.[0-9]+", "blocks.i"))
        .toList();
  }

  @Test
  void fullAttention_holdsNoMaskOfTokensByTokens() {
    var biases =
        new PyramidFluxTransformer(SMALL, FrameAttention.FULL)
            .denoiser().segments().stream()
                .flatMap(segment -> segment.nodes().stream())
                .filter(node -> node.op() instanceof Op.Attention)
                .map(node -> node.inputs().get(3).shape())
                .toList();
    assertThat(biases).hasSize(3).allMatch(bias -> bias.dim(1).is(1) && bias.dim(2).is(1));
  }

  @Test
  void aConfigurationOfAnotherModel_isRefused(@TempDir Path folder) throws IOException {
    Path original = Golden.folder("miniflux/rope-positions/diffusion_transformer_384p");
    Files.copy(
        original.resolve("diffusion_pytorch_model.safetensors"),
        folder.resolve("diffusion_pytorch_model.safetensors"));
    String config = Files.readString(original.resolve("config.json"));
    Files.writeString(
        folder.resolve("config.json"),
        config.replace("\"num_attention_heads\": 2", "\"num_attention_heads\": 3"));
    assertThatThrownBy(() -> MiniFluxComponents.openTransformer(folder, FrameAttention.FULL))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("config.json: num_attention_heads: expected 2")
        .hasMessageEndingWith("found 3");
    Files.delete(folder.resolve("config.json"));
    assertThatThrownBy(() -> MiniFluxComponents.openTransformer(folder, FrameAttention.FULL))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(
            "axes_dims_rope: expected three even numbers that make up the head dimension 20, found"
                + " none");
  }

  /** Shapes of no elements take no room in a file, whatever else they say. */
  @ParameterizedTest
  @CsvSource({
    "transformer_blocks.0.attn.norm_q.weight, 0, '1 or more dimensions from 1 to 1048576, found"
        + " [0]'",
    "transformer_blocks.0.attn.norm_q.weight, 5, a multiple of the head dimension 5",
    "x_embedder.weight, 16x0, '2 or more dimensions from 1 to 1048576, found [16, 0]'",
    "x_embedder.weight, 0x99999999999, expected 1 or more dimensions",
    "x_embedder.weight, 16x6, 'a multiple of 4 wide, found 6'",
    "context_embedder.weight, 16, '2 or more dimensions from 1 to 1048576, found [16]'"
  })
  void aTensorOfNoUsableSize_isNamed(String tensor, String shape, String complaint) {
    var program =
        new PyramidFluxTransformer(SMALL, FrameAttention.FULL)
            .conditioning()
            .then(new PyramidFluxTransformer(SMALL, FrameAttention.FULL).denoiser());
    List<Long> extents = Arrays.stream(shape.split("x")).map(Long::valueOf).toList();
    int elements = (int) extents.stream().mapToLong(Long::longValue).reduce(1, (a, b) -> a * b);
    try (var weights = ContractData.weights(program, DType.F32)) {
      var other = MemoryTensors.builder().addFloats(tensor, extents, new float[elements]).build();
      assertThatThrownBy(
              () ->
                  PyramidFluxConfig.read(ConfigFile.none(Path.of("none")), weights.overlaid(other)))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining(complaint);
    }
  }

  /** Frames {@code from} to {@code to} of latents [1, channels, frames, 2, 4]. */
  private static float[] frames(float[] latents, int from, int to) {
    var some = new float[SMALL.channels() * (to - from) * 8];
    for (int c = 0; c < SMALL.channels(); c++) {
      System.arraycopy(
          latents, (c * FRAMES + from) * 8, some, c * (to - from) * 8, (to - from) * 8);
    }
    return some;
  }

  /** A clip of two tokens a frame with a prompt; longer prompts begin as shorter ones do. */
  private static final class Clip {
    private final int frames;
    private final int text;
    private final float[] latents;
    private final long[] mask;

    Clip(int frames, int text) {
      this.frames = frames;
      this.text = text;
      this.latents = random("latents", SMALL.channels() * frames * 8);
      this.mask = new long[text];
      Arrays.fill(mask, 1);
    }

    Clip withLastFrame(float value) {
      var changed = new Clip(frames, text);
      for (int c = 0; c < SMALL.channels(); c++) {
        int end = (c + 1) * frames * 8;
        Arrays.fill(changed.latents, end - 8, end, value);
      }
      return changed;
    }

    float[] predict(FrameAttention attention) {
      var transformer = new PyramidFluxTransformer(SMALL, attention);
      Program program = transformer.conditioning().then(transformer.denoiser());
      Map<String, Tensor> inputs =
          Map.of(
              "encoder_hidden_states",
              Tensor.ofFloats(random("text", text * SMALL.textDim()), 1, text, SMALL.textDim()),
              "encoder_attention_mask",
              Tensor.ofLongs(mask, 1, text),
              "pooled_projections",
              Tensor.ofFloats(random("pooled", SMALL.pooledDim()), 1, SMALL.pooledDim()),
              "hidden_states",
              Tensor.ofFloats(latents, 1, SMALL.channels(), frames, 2, 4),
              "timestep",
              Tensor.ofFloats(new float[] {432.1f}, 1),
              "temporal_positions",
              counted(frames),
              "row_positions",
              counted(2),
              "column_positions",
              counted(4));
      try (var weights = ContractData.weights(program, DType.F32)) {
        return require(run(program, weights, inputs).get("out_hidden_states")).toFloatArray();
      }
    }

    private static float[] random(String name, int count) {
      var random = new SplittableRandom(name.hashCode());
      var values = new float[count];
      for (int i = 0; i < count; i++) {
        values[i] = (float) random.nextDouble(-1, 1);
      }
      return values;
    }
  }
}
