package io.github.tpdiff.weights.layout;

import io.github.tpdiff.weights.TensorSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Networks whose tensors are named much like those of another one that they are not, and others
 * that are met in its place: told by a name or a shape, in any layout and under any prefix.
 */
public final class Stranger {

  /** What names begin with in networks that only have it. */
  private static final Map<String, List<String>> STARTS = new LinkedHashMap<>();

  static {
    STARTS.put(
        "a ControlNet",
        List.of("controlnet_cond_embedding.", "input_hint_block.", "control_model."));
    STARTS.put("an SDXL UNet", List.of("add_embedding.", "label_emb.0.0."));
    STARTS.put("a Wan VACE transformer", List.of("vace_blocks.0.", "vace_patch_embedding."));
    STARTS.put("a Wan Fun-Control transformer", List.of("control_adapter.", "ref_conv."));
    STARTS.put("a Wan Animate transformer", List.of("pose_patch_embedding.", "face_adapter."));
    STARTS.put("a Wan S2V transformer", List.of("casual_audio_encoder.", "audio_injector."));
    STARTS.put(
        "a HunyuanVideo transformer",
        List.of("txt_in.individual_token_refiner.", "context_embedder.token_refiner."));
    STARTS.put("an LTX-Video transformer", List.of("patchify_proj."));
    STARTS.put("a CogVideoX transformer", List.of("patch_embed.text_proj."));
    STARTS.put("a Stable Diffusion 3 transformer", List.of("joint_blocks.0."));
  }

  /** What names contain in networks that only have it. */
  private static final Map<String, List<String>> PARTS =
      Map.of(
          "a Stable Video Diffusion UNet",
          List.of(".temporal_transformer_blocks.", ".time_stack."));

  /** Uses of a UNet that reads more channels than it predicts. */
  private static final Map<Integer, String> INPUTS =
      Map.of(
          5, "a depth-guided UNet (5 input channels: latents and depth)",
          7, "an upscaling UNet (7 input channels: latents and a small picture)",
          8, "an InstructPix2Pix UNet (8 input channels: latents and those of a picture)",
          9, "an inpainting UNet (9 input channels: latents, mask and masked latents)");

  private Stranger() {}

  /** What a source holds, with its article, if it is such a network. */
  public static Optional<String> find(TensorSource source) {
    return byStart(source).or(() -> byPart(source)).or(() -> byChannels(source));
  }

  private static Optional<String> byStart(TensorSource source) {
    return STARTS.entrySet().stream()
        .filter(
            kind ->
                source.names().stream()
                    .anyMatch(name -> kind.getValue().stream().anyMatch(s -> starts(name, s))))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  private static boolean starts(String name, String start) {
    return FoundNetwork.PREFIXES.stream()
        .anyMatch(prefix -> name.startsWith(prefix) && name.startsWith(start, prefix.length()));
  }

  private static Optional<String> byPart(TensorSource source) {
    return PARTS.entrySet().stream()
        .filter(
            kind ->
                source.names().stream()
                    .anyMatch(name -> kind.getValue().stream().anyMatch(name::contains)))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  private static Optional<String> byChannels(TensorSource source) {
    Optional<Long> in = dimension(source, 1, "input_blocks.0.0.weight", "conv_in.weight");
    Optional<Long> out = dimension(source, 0, "out.2.weight", "conv_out.weight");
    return in.isEmpty() || out.isEmpty() || in.get() <= out.get()
        ? Optional.empty()
        : Optional.of(
            INPUTS.getOrDefault(
                (int) Math.min(in.get(), Integer.MAX_VALUE),
                "a UNet of %d input and %d output channels".formatted(in.get(), out.get())));
  }

  /** A dimension of the first of these convolutions that is there. */
  private static Optional<Long> dimension(TensorSource source, int place, String... names) {
    for (String name : names) {
      for (String prefix : FoundNetwork.PREFIXES) {
        Optional<Long> found =
            source
                .find(prefix + name)
                .filter(info -> info.shape().size() == 4)
                .map(info -> info.shape().get(place));
        if (found.isPresent()) {
          return found;
        }
      }
    }
    return Optional.empty();
  }
}
