package io.github.tpdiff.adapters.miniflux;

import com.google.common.collect.ImmutableList;
import io.github.tpdiff.adapters.ClipTextModel;
import io.github.tpdiff.adapters.T5Encoder;
import io.github.tpdiff.adapters.madeup.MadeUpCheckpoint;
import io.github.tpdiff.adapters.madeup.MadeUpPart;
import io.github.tpdiff.adapters.madeup.MadeUpTokenizer;
import io.github.tpdiff.adapters.madeup.T5Scale;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.weights.TensorInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** The sizes of miniFLUX that can be written with made-up weights. */
final class MiniFluxTemplates {
  /** Folders of transformers, each complete: two resolutions, and one for single pictures. */
  static final List<String> TRANSFORMERS =
      List.of(
          "diffusion_transformer_384p",
          "diffusion_transformer_768p",
          "diffusion_transformer_image");

  static final String VAE = "causal_video_vae";
  static final String POOLING = "text_encoder";
  static final String TEXT_ENCODER = "text_encoder_2";

  private MiniFluxTemplates() {}

  static Map<String, CheckpointTemplate> all() {
    return Map.of("miniflux-tiny", tiny(), "miniflux", published());
  }

  /** Values that are not to be random, of every transformer and of the autoencoder. */
  private record Chosen(MadeUpPart.Values transformer, MadeUpPart.Values codec) {}

  static MadeUpCheckpoint tiny() {
    MiniFluxSizes sizes = MiniFluxSizes.tiny();
    return new MadeUpCheckpoint(
        "miniFLUX in small (2 double and 2 single blocks of width 128): random weights to train,"
            + " and a codec that shows blurred pictures",
        parts(sizes, new Chosen(new NoisePassage(sizes.transformer())::find, LiftingCodec::find)),
        List.of(TRANSFORMERS.get(0), VAE, POOLING, TEXT_ENCODER),
        MiniFluxTemplates::scale,
        surroundings(sizes, Optional.of(MiniFluxDefaults.TINY)));
  }

  static MadeUpCheckpoint published() {
    MiniFluxSizes sizes = MiniFluxSizes.PUBLISHED;
    return new MadeUpCheckpoint(
        "the sizes of Pyramid-Flow miniFLUX, random weights",
        parts(sizes, new Chosen(MadeUpPart.RANDOM, MadeUpPart.RANDOM)),
        List.of(TRANSFORMERS.get(0), VAE),
        MiniFluxTemplates::scale,
        surroundings(sizes, Optional.empty()));
  }

  private static MadeUpCheckpoint.Surroundings surroundings(
      MiniFluxSizes sizes, Optional<ModelDescription.Defaults> defaults) {
    return new MadeUpCheckpoint.Surroundings(
        Map.of(), // the published folder has no index and no scheduler
        List.of(
            new MadeUpTokenizer(
                "tokenizer", POOLING, folder -> sizes.clipTokenizer().write(folder)),
            new MadeUpTokenizer(
                "tokenizer_2", TEXT_ENCODER, folder -> sizes.t5Tokenizer().write(folder))),
        defaults);
  }

  private static List<MadeUpPart> parts(MiniFluxSizes sizes, Chosen chosen) {
    var parts = new ArrayList<MadeUpPart>();
    for (String folder : TRANSFORMERS) {
      parts.add(
          diffusers(
              folder,
              () ->
                  MiniFluxComponents.transformer(sizes.transformer(), FrameAttention.FULL).values(),
              sizes.transformerFields(),
              chosen.transformer()));
    }
    parts.add(
        diffusers(
            VAE,
            () -> MiniFluxComponents.vae(sizes.vae()).values(),
            sizes.vaeFields(),
            chosen.codec()));
    parts.add(
        transformers(
            POOLING,
            () -> new ClipTextModel(sizes.pooling()).pooledProgram(),
            sizes.pooling().fields()));
    parts.add(
        transformers(
            TEXT_ENCODER,
            () -> new T5Encoder(sizes.textEncoder()).program(),
            sizes.textEncoder().fields()));
    return parts;
  }

  private static MadeUpPart diffusers(
      String folder,
      Supplier<? extends Iterable<Program>> programs,
      Map<String, ?> config,
      MadeUpPart.Values values) {
    return new MadeUpPart(
        folder,
        MadeUpPart.DIFFUSERS_FILE,
        () -> ImmutableList.copyOf(programs.get()),
        config,
        values);
  }

  private static MadeUpPart transformers(
      String folder, Supplier<Program> program, Map<String, ?> config) {
    return new MadeUpPart(folder, "model", () -> List.of(program.get()), config, MadeUpPart.RANDOM);
  }

  /** What ends the transformer starts small, so that its prediction does. */
  private static double scale(TensorInfo info) {
    return info.name().equals("proj_out.weight") ? 0.1 : T5Scale.of(info);
  }
}
