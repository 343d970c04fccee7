package io.github.tpdiff.adapters.miniflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.adapters.Chunk;
import io.github.tpdiff.adapters.Golden;
import io.github.tpdiff.adapters.PublishedTensors;
import io.github.tpdiff.adapters.miniflux.CausalVideoVaeConfig.Level;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.reference.ContractData;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class CausalVideoVaeTest {
  /** Halves the size once and the frames twice. */
  private static final CausalVideoVaeConfig SMALL =
      new CausalVideoVaeConfig(
          2,
          2,
          2,
          List.of(new Level(2, 1, true, true), new Level(4, 1, false, true)),
          List.of(new Level(4, 1, false, true), new Level(2, 2, true, true)));

  private static final int CHUNK = 4;

  @Test
  void tensors_areThoseOfThePublishedCheckpoint() {
    var vae = new CausalVideoVae(CausalVideoVaeConfig.PUBLISHED);
    var programs = List.of(vae.encoder(Chunk.NEXT), vae.decoder(Chunk.NEXT));
    assertThat(PublishedTensors.of(programs))
        .isEqualTo(PublishedTensors.listed("miniflux/vae-tensors.txt"));
    assertThat(elements(programs)).isEqualTo(335_402_067L);
    assertThat(PublishedTensors.of(List.of(vae.encoder(Chunk.FIRST), vae.decoder(Chunk.FIRST))))
        .isEqualTo(PublishedTensors.of(programs));
  }

  private static long elements(List<Program> programs) {
    return programs.stream()
        .flatMap(program -> program.weights().values().stream())
        .mapToLong(weight -> weight.shape().elementCount().value())
        .sum();
  }

  @Test
  void framesEncodedChunkByChunk_areThoseOfTheWholeVideo() {
    var vae = new CausalVideoVae(SMALL);
    Tensor video = random(3, 1 + 2 * CHUNK, 6, 4);
    Program whole = vae.encoder(Chunk.FIRST, 1 + 2 * CHUNK);
    try (var weights = ContractData.weights(whole, DType.F32)) {
      float[] expected = run(whole, weights, "sample", video).toFloatArray();
      var chunks =
          new Chunks(vae.encoder(Chunk.FIRST), vae.encoder(Chunk.NEXT), "sample", "latent_mean");
      Tensor found =
          chunks.run(
              weights,
              List.of(
                  frames(video, 0, 1), frames(video, 1, CHUNK), frames(video, 1 + CHUNK, CHUNK)));
      assertThat(found.shape()).containsExactly(1, 2, 3, 3, 2);
      assertClose(found.toFloatArray(), expected);
    }
  }

  @Test
  void framesDecodedChunkByChunk_areThoseOfTheWholeVideo() {
    var vae = new CausalVideoVae(SMALL);
    Tensor latents = random(2, 3, 3, 2);
    Program whole = vae.decoder(Chunk.FIRST, 3);
    try (var weights = ContractData.weights(whole, DType.F32)) {
      float[] expected = run(whole, weights, "latent_sample", latents).toFloatArray();
      var chunks =
          new Chunks(vae.decoder(Chunk.FIRST), vae.decoder(Chunk.NEXT), "latent_sample", "sample");
      Tensor found =
          chunks.run(
              weights,
              List.of(frames(latents, 0, 1), frames(latents, 1, 1), frames(latents, 2, 1)));
      assertThat(found.shape()).containsExactly(1, 3, 1 + 2 * CHUNK, 6, 4);
      assertClose(found.toFloatArray(), expected);
    }
  }

  /** Rounding of fp32 where values of a chain of layers have grown; relative to the largest. */
  private static void assertClose(float[] found, float[] expected) {
    float largest = 0;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    assertThat(found).usingComparatorWithPrecision(1e-5f * largest).containsExactly(expected);
  }

  private static Tensor run(Program program, TensorSource weights, String input, Tensor value) {
    try (var engine = new ReferenceEngine();
        var executable = engine.load(program, weights)) {
      return Objects.requireNonNull(
          executable.run(Map.of(input, value)).get(program.outputs().get(0)));
    }
  }

  /** Nine frames of the published code's, from its pickle. */
  @Test
  void encodeAndDecode_matchTheAuthorsCode() {
    try (var golden = Golden.open("miniflux/vae")) {
      var vae = MiniFluxComponents.openVae(golden.checkpoint());
      Component encoder = require(vae, ComponentDescription.VAE_ENCODER);
      Tensor video = golden.tensor("in.f9.video");
      var encoding =
          new Chunks(
              require(vae, ComponentDescription.first(ComponentDescription.VAE_ENCODER)).program(),
              encoder.program(),
              "sample",
              "latent_mean");
      try (var weights = encoder.weights()) {
        Tensor mean = encoding.run(weights, List.of(frames(video, 0, 1), frames(video, 1, 8)));
        golden.assertMatches("out.f9.latent_mode", mean);
        golden.assertMatches("out.f9.latent_normalized", scaled(mean, vae, false));
        Tensor latents = scaled(golden.tensor("out.f9.latent_normalized"), vae, true);
        var decoding =
            new Chunks(
                require(vae, ComponentDescription.first(ComponentDescription.VAE_DECODER))
                    .program(),
                require(vae, ComponentDescription.VAE_DECODER).program(),
                "latent_sample",
                "sample");
        golden.assertMatches(
            "out.f9.decoded",
            decoding.run(weights, List.of(frames(latents, 0, 1), frames(latents, 1, 1))));
      }
    }
  }

  private static Component require(MiniFluxComponents.Vae vae, String name) {
    return Objects.requireNonNull(vae.components().get(name));
  }

  /** Two latent frames, the first scaled by its own statistics. */
  private static Tensor scaled(Tensor latents, MiniFluxComponents.Vae vae, boolean back) {
    float[] values = latents.toFloatArray();
    int plane = (int) (latents.shape()[3] * latents.shape()[4]);
    for (int i = 0; i < values.length; i++) {
      double mean = vae.latents().mean(i / plane % 2, 0);
      double std = vae.latents().std(i / plane % 2, 0);
      values[i] = (float) (back ? values[i] * std + mean : (values[i] - mean) / std);
    }
    return Tensor.ofFloats(values, latents.shape());
  }

  @Test
  void halvesThatDoNotFit_areRefused() {
    assertThatThrownBy(
            () -> new CausalVideoVaeConfig(2, 2, 2, SMALL.encoder(), SMALL.decoder().subList(1, 2)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(
            "expected as much up as down, 2 in space and 4 in time, found 2 and 2");
    assertThatThrownBy(() -> new CausalVideoVaeConfig(2, 2, 3, SMALL.encoder(), SMALL.decoder()))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(
            "decoder_norm_num_groups: expected a divisor of the channels [4, 2], found 3");
  }

  /** One half of the autoencoder over chunks. */
  private record Chunks(Program first, Program next, String input, String output) {
    Tensor run(TensorSource weights, List<Tensor> chunks) {
      var results = new ArrayList<Tensor>();
      Map<String, Tensor> state = Map.of();
      try (var engine = new ReferenceEngine();
          var start = engine.load(first, weights);
          var follow = engine.load(next, weights)) {
        for (Tensor chunk : chunks) {
          var inputs = new HashMap<>(state);
          inputs.put(input, chunk);
          var outputs = (results.isEmpty() ? start : follow).run(inputs);
          results.add(Objects.requireNonNull(outputs.get(output)));
          var kept = new HashMap<String, Tensor>();
          outputs.forEach((name, value) -> kept.put(name.replace(".next", ""), value));
          kept.remove(output);
          state = kept;
        }
      }
      return joined(results);
    }
  }

  private static Tensor random(int channels, int frames, int height, int width) {
    var random = new SplittableRandom(channels);
    var values = new float[channels * frames * height * width];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextDouble(-1, 1);
    }
    return Tensor.ofFloats(values, 1, channels, frames, height, width);
  }

  /** Frames of [1, C, F, H, W]. */
  private static Tensor frames(Tensor video, int from, int count) {
    long[] s = video.shape();
    int plane = (int) (s[3] * s[4]);
    var values = new float[(int) s[1] * count * plane];
    for (int c = 0; c < s[1]; c++) {
      video.floats().get((c * (int) s[2] + from) * plane, values, c * count * plane, count * plane);
    }
    return Tensor.ofFloats(values, 1, s[1], count, s[3], s[4]);
  }

  private static Tensor joined(List<Tensor> parts) {
    long[] s = parts.get(0).shape();
    long total = parts.stream().mapToLong(part -> part.shape()[2]).sum();
    int plane = (int) (s[3] * s[4]);
    var values = new float[(int) (s[1] * total * plane)];
    int at = 0;
    for (Tensor part : parts) {
      int size = (int) part.shape()[2] * plane;
      for (int c = 0; c < s[1]; c++) {
        part.floats().get(c * size, values, (int) (c * total * plane) + at, size);
      }
      at += size;
    }
    return Tensor.ofFloats(values, 1, s[1], total, s[3], s[4]);
  }
}
