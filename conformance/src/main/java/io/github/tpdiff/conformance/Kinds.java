package io.github.tpdiff.conformance;

import io.github.tpdiff.adapters.ClipImageProcessorConfig;
import io.github.tpdiff.adapters.animatediff.AnimateDiffComponents;
import io.github.tpdiff.adapters.animatediff.NormConvention;
import io.github.tpdiff.adapters.animatediff.StableDiffusionParts;
import io.github.tpdiff.adapters.miniflux.FrameAttention;
import io.github.tpdiff.adapters.miniflux.MiniFluxComponents;
import io.github.tpdiff.adapters.miniflux.MiniFluxFamily;
import io.github.tpdiff.adapters.wan.WanComponents;
import io.github.tpdiff.adapters.wan.WanFamily;
import io.github.tpdiff.conformance.files.FilesCase;
import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.model.ClipVisionArguments;
import io.github.tpdiff.conformance.model.ExpertsCase;
import io.github.tpdiff.conformance.model.ExpertsLoraCase;
import io.github.tpdiff.conformance.model.ImageEncoderCase;
import io.github.tpdiff.conformance.model.ImagePreprocessCase;
import io.github.tpdiff.conformance.model.LoraForwardCase;
import io.github.tpdiff.conformance.model.LoraTrainCase;
import io.github.tpdiff.conformance.model.MotionModuleCase;
import io.github.tpdiff.conformance.model.NetworkCase;
import io.github.tpdiff.conformance.model.PartsOpener;
import io.github.tpdiff.conformance.model.PictureLatentsCase;
import io.github.tpdiff.conformance.model.PipelineCase;
import io.github.tpdiff.conformance.model.SchedulerCase;
import io.github.tpdiff.conformance.model.StageScheduleCase;
import io.github.tpdiff.conformance.model.TextEncoderCase;
import io.github.tpdiff.conformance.model.TextEncodersCase;
import io.github.tpdiff.conformance.model.TokenizerCase;
import io.github.tpdiff.conformance.model.VaeCase;
import io.github.tpdiff.conformance.model.VaeOpener;
import io.github.tpdiff.conformance.model.WanVaeArguments;
import io.github.tpdiff.conformance.numerics.AdamWCase;
import io.github.tpdiff.conformance.numerics.AssignmentCase;
import io.github.tpdiff.conformance.numerics.HalfPrecisionCase;
import io.github.tpdiff.conformance.numerics.KaimingCase;
import io.github.tpdiff.conformance.numerics.RandomCase;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.picture.ClipImageProcessor;
import io.github.tpdiff.runtime.picture.PictureValues;
import io.github.tpdiff.runtime.picture.RgbPicture;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** The kinds of cases that can be run, by family and kind. */
final class Kinds {
  /** What cases call whole runs, by what takes part in them. */
  private static final Set<String> PIPELINES =
      Set.of("pipeline", "i2v_pipeline", "two_expert_pipeline", "ti2v_pipeline");

  /** Names that cases have for generations of one family. */
  private static final Map<String, String> GENERATIONS = Map.of("wan-i2v", "wan", "wan22", "wan");

  private static final PartsOpener WAN =
      PartsOpener.of(golden -> WanComponents.openTransformer(golden.checkpoint()));
  private static final NetworkCase WAN_NETWORK =
      new NetworkCase(
          WAN,
          PartsOpener.of(golden -> WanComponents.openTransformerPerToken(golden.checkpoint())));
  private static final PartsOpener ANIMATEDIFF = PartsOpener.of(Kinds::motionUnet);
  private static final PartsOpener MINIFLUX = Kinds::pyramidFlux;

  private static final Map<String, CaseKind> KNOWN =
      Map.ofEntries(
          Map.entry("numerics/randn", new RandomCase()),
          Map.entry("numerics/assignment", new AssignmentCase()),
          Map.entry("numerics/adamw", new AdamWCase()),
          Map.entry("numerics/kaiming", new KaimingCase()),
          Map.entry("numerics/half_precision", new HalfPrecisionCase()),
          Map.entry("files/files", new FilesCase()),
          Map.entry("wan/image_preprocess", new ImagePreprocessCase()),
          Map.entry("wan/tokenizer", new TokenizerCase()),
          Map.entry("wan/scheduler", new SchedulerCase()),
          Map.entry("wan/scheduler_original", new SchedulerCase()),
          Map.entry("wan/transformer_forward", WAN_NETWORK),
          Map.entry("wan/transformer_forward_original", WAN_NETWORK),
          Map.entry("wan/rope_positions", WAN_NETWORK),
          Map.entry("wan/vae", new VaeCase(Kinds::wanVae)),
          Map.entry("wan/vae_original", new VaeCase(Kinds::wanVae)),
          Map.entry("wan/text_encoder", wanText()),
          Map.entry("wan/text_encoder_original", wanText()),
          Map.entry("wan/lora_forward", new LoraForwardCase(WAN)),
          Map.entry("wan/lora_train", new LoraTrainCase(WAN)),
          Map.entry("wan/i2v_conditioning", new PictureLatentsCase(Kinds::wanVae)),
          Map.entry("wan/image_encoder", wanPictures(Kinds::processor)),
          Map.entry("wan/image_encoder_original", wanPictures(Kinds::squash)),
          Map.entry(
              "wan/two_expert_forward_original",
              new ExpertsCase(Kinds::wanNetwork, folder -> new WanFamily().open(folder))),
          Map.entry(
              "wan/two_expert_lora_forward", new ExpertsLoraCase(WanComponents::openTransformer)),
          Map.entry("animatediff/tokenizer", new TokenizerCase()),
          Map.entry("animatediff/scheduler", new SchedulerCase()),
          Map.entry("animatediff/vae", new VaeCase(Kinds::stableDiffusionVaes)),
          Map.entry(
              "animatediff/text_encoder",
              new TextEncoderCase(
                  PartsOpener.of(
                      golden -> StableDiffusionParts.openPooledTextEncoder(golden.checkpoint())))),
          Map.entry("animatediff/unet_forward", new NetworkCase(ANIMATEDIFF)),
          Map.entry("animatediff/pe_positions", new NetworkCase(ANIMATEDIFF)),
          Map.entry("animatediff/motion_module_original", new MotionModuleCase(Kinds::original)),
          Map.entry("animatediff/lora_forward", new LoraForwardCase(ANIMATEDIFF)),
          Map.entry("animatediff/lora_train", new LoraTrainCase(ANIMATEDIFF)),
          Map.entry("miniflux/transformer_forward", new NetworkCase(MINIFLUX)),
          Map.entry("miniflux/scheduler", new StageScheduleCase()),
          Map.entry("miniflux/vae", new VaeCase(Kinds::minifluxVaes)),
          Map.entry(
              "miniflux/text_encoders",
              new TextEncodersCase(path -> new MiniFluxFamily().open(path))),
          Map.entry("miniflux/tokenizer", new TokenizerCase()),
          Map.entry("miniflux/rope_positions", new NetworkCase(MINIFLUX)),
          Map.entry(
              "miniflux/lora_forward",
              new LoraForwardCase(PartsOpener.of(golden -> pyramidFlux(golden, "full")))),
          Map.entry("miniflux/lora_train", new LoraTrainCase(MINIFLUX)));

  private Kinds() {}

  static Optional<CaseKind> find(String family, String kind) {
    String name = GENERATIONS.getOrDefault(family, family);
    return PIPELINES.contains(kind)
        ? ModelFamily.all().stream()
            .filter(known -> known.name().equals(name))
            .findFirst()
            .map(PipelineCase::new)
        : Optional.ofNullable(KNOWN.get(name + "/" + kind));
  }

  private static TextEncoderCase wanText() {
    return new TextEncoderCase(
        PartsOpener.of(golden -> WanComponents.openTextEncoder(golden.checkpoint())));
  }

  private static NetworkCase wanNetwork(Path folder) {
    return new NetworkCase(
        PartsOpener.of(golden -> WanComponents.openTransformer(folder)),
        PartsOpener.of(golden -> WanComponents.openTransformerPerToken(folder)));
  }

  private static ImageEncoderCase wanPictures(
      Function<GoldenCase, Function<RgbPicture, PictureValues>> processor) {
    return new ImageEncoderCase(
        PartsOpener.of(
            golden ->
                WanComponents.openImageEncoder(
                    golden.checkpoint(), ClipVisionArguments.told(golden.args()))),
        processor);
  }

  private static Function<RgbPicture, PictureValues> processor(GoldenCase golden) {
    Path file = golden.path(golden.args().text("image_processor"));
    return ClipImageProcessorConfig.open(file)::values;
  }

  private static Function<RgbPicture, PictureValues> squash(GoldenCase golden) {
    int size = golden.args().group("config").integer("image_size");
    return ClipImageProcessor.ofSize(size)::squashed;
  }

  private static List<VaeOpener.Vae> wanVae(GoldenCase golden) {
    Map<String, Object> told = WanVaeArguments.told(golden.args());
    var opened = new ArrayList<VaeOpener.Vae>();
    for (Path checkpoint : golden.checkpoints()) {
      var vae = WanComponents.openVae(checkpoint, told);
      opened.add(new VaeOpener.Vae(vae.components(), vae.latents()));
    }
    return opened;
  }

  /** The same weights under their names of today and those of published files. */
  private static List<VaeOpener.Vae> stableDiffusionVaes(GoldenCase golden) {
    var opened = new ArrayList<VaeOpener.Vae>();
    Optional<Double> scaling = golden.args().findNumber("scaling_factor");
    for (Path folder : golden.checkpoints()) {
      var vae = StableDiffusionParts.openVae(folder);
      scaling.ifPresent(said -> requireScaling(said, vae.latents()));
      opened.add(new VaeOpener.Vae(vae.components(), vae.latents()));
    }
    return opened;
  }

  private static List<VaeOpener.Vae> minifluxVaes(GoldenCase golden) {
    var opened = new ArrayList<VaeOpener.Vae>();
    for (Path folder : golden.checkpoints()) {
      var vae = MiniFluxComponents.openVae(folder);
      opened.add(new VaeOpener.Vae(vae.components(), vae.latents()));
    }
    return opened;
  }

  /** The factor that the case names is the one that the checkpoint's latents have. */
  private static void requireScaling(double said, ModelDescription.Latents latents) {
    for (double std : latents.std()) {
      if (Math.abs(said * std - 1) > 1e-12) {
        throw new CaseException(
            "args.scaling_factor: expected %s, the checkpoint gives %s".formatted(said, 1 / std));
      }
    }
  }

  private static Map<String, Component> original(
      Path unet, Path motion, String convention, Map<String, ?> told) {
    return AnimateDiffComponents.openUnet(
        unet, motion, NormConvention.valueOf(convention.toUpperCase(Locale.ROOT)), told);
  }

  private static Map<String, Component> motionUnet(GoldenCase golden) {
    Path motion = golden.path(golden.args().text("motion_adapter"));
    return AnimateDiffComponents.openUnet(golden.checkpoint(), motion);
  }

  private static Map<String, Component> pyramidFlux(GoldenCase golden, String attention) {
    return MiniFluxComponents.openTransformer(
        golden.checkpoint(),
        switch (attention) {
          case "causal" -> FrameAttention.CAUSAL;
          case "full" -> FrameAttention.FULL;
          default ->
              throw new CaseException(
                  "attention: expected causal or full, found '" + attention + "'");
        });
  }
}
