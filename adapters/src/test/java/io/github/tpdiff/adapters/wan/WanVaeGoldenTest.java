package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.Golden;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.reference.ReferenceEngine;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Chunk by chunk against the outputs of the published implementations. */
final class WanVaeGoldenTest {

  @ParameterizedTest
  @CsvSource({
    "wan/vae,f1",
    "wan/vae,f5",
    "wan/vae,f9",
    "wan/vae-original,f5",
    "wan22/vae,f1",
    "wan22/vae,f5",
    "wan22/vae,f9"
  })
  void encode_matchesThePosteriorMean(String name, String run) {
    try (var golden = Golden.open(name)) {
      var vae = WanComponents.openVae(golden.checkpoint());
      Tensor video = golden.tensor("in." + run + ".video");
      var chunks = new ArrayList<Tensor>();
      chunks.add(frames(video, 0, 1));
      for (int from = 1; from < video.shape()[2]; from += 4) {
        chunks.add(frames(video, from, 4));
      }
      Tensor mean =
          run(
              vae,
              List.of(
                  ComponentDescription.first(ComponentDescription.VAE_ENCODER),
                  ComponentDescription.VAE_ENCODER),
              chunks,
              "sample");
      golden.assertMatches("out." + run + ".latent_mode", mean);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "wan/vae,f1",
    "wan/vae,f5",
    "wan/vae,f9",
    "wan/vae-original,f5",
    "wan22/vae,f1",
    "wan22/vae,f5",
    "wan22/vae,f9"
  })
  void decode_matchesTheClampedVideo(String name, String run) {
    try (var golden = Golden.open(name)) {
      var vae = WanComponents.openVae(golden.checkpoint());
      Tensor latents = denormalised(golden.tensor("out." + run + ".latent_normalized"), vae);
      var chunks = new ArrayList<Tensor>();
      for (int frame = 0; frame < latents.shape()[2]; frame++) {
        chunks.add(frames(latents, frame, 1));
      }
      Tensor video =
          run(
              vae,
              List.of(
                  ComponentDescription.first(ComponentDescription.VAE_DECODER),
                  ComponentDescription.VAE_DECODER),
              chunks,
              "latent_sample");
      golden.assertMatches("out." + run + ".decoded", video);
    }
  }

  private static Tensor run(
      WanComponents.Vae vae, List<String> roles, List<Tensor> chunks, String input) {
    var first = Objects.requireNonNull(vae.components().get(roles.get(0)));
    var next = Objects.requireNonNull(vae.components().get(roles.get(1)));
    var results = new ArrayList<Tensor>();
    try (var engine = new ReferenceEngine();
        Executable start = engine.load(first.program(), first.weights());
        Executable follow = engine.load(next.program(), next.weights())) {
      Map<String, Tensor> state = new HashMap<>();
      for (Tensor chunk : chunks) {
        Map<String, Tensor> inputs = new HashMap<>(state);
        inputs.put(input, chunk);
        var outputs = (results.isEmpty() ? start : follow).run(inputs);
        state.clear();
        outputs.forEach(
            (name, value) -> {
              if (name.endsWith(".next")) {
                state.put(name.substring(0, name.length() - ".next".length()), value);
              } else {
                results.add(value);
              }
            });
      }
    }
    first.weights().close();
    return joined(results);
  }

  private static Tensor denormalised(Tensor normalized, WanComponents.Vae vae) {
    float[] values = normalized.toFloatArray();
    int channels = vae.latents().channels();
    int each = values.length / channels;
    for (int i = 0; i < values.length; i++) {
      int c = i / each % channels;
      values[i] = (float) (values[i] * vae.latents().std().get(c) + vae.latents().mean().get(c));
    }
    return Tensor.ofFloats(values, normalized.shape());
  }

  /** Frames of [1, C, F, H, W]. */
  private static Tensor frames(Tensor video, int from, int count) {
    long[] s = video.shape();
    int frame = (int) (s[3] * s[4]);
    var values = new float[(int) s[1] * count * frame];
    for (int c = 0; c < s[1]; c++) {
      video.floats().get((c * (int) s[2] + from) * frame, values, c * count * frame, count * frame);
    }
    return Tensor.ofFloats(values, 1, s[1], count, s[3], s[4]);
  }

  private static Tensor joined(List<Tensor> parts) {
    long[] s = parts.get(0).shape();
    long total = parts.stream().mapToLong(p -> p.shape()[2]).sum();
    int frame = (int) (s[3] * s[4]);
    var values = new float[(int) (s[1] * total * frame)];
    int at = 0;
    for (Tensor part : parts) {
      int count = (int) part.shape()[2] * frame;
      for (int c = 0; c < s[1]; c++) {
        part.floats().get(c * count, values, (int) (c * total * frame) + at, count);
      }
      at += count;
    }
    return Tensor.ofFloats(values, 1, s[1], total, s[3], s[4]);
  }
}
