package io.github.tpdiff.lora.data;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import io.github.tpdiff.lora.CheckpointFingerprint;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.PromptEncoder;
import io.github.tpdiff.runtime.model.PromptTokens;
import io.github.tpdiff.runtime.model.Text;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.picture.PictureLoader;
import io.github.tpdiff.runtime.pipeline.GivenPictures;
import io.github.tpdiff.runtime.pipeline.PictureEncoder;
import io.github.tpdiff.runtime.pipeline.PicturePreparation;
import io.github.tpdiff.runtime.pipeline.VaeEncoder;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.runtime.video.VideoFrame;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The encoders of a checkpoint on an engine; both stay the caller's to close. */
public record ModelEncoders(VideoModel model, Engine engine) implements ClipEncoders {
  @Override
  public String latentsFingerprint() {
    Hasher hasher = Hashing.sha256().newHasher();
    add(hasher, require(ComponentDescription.VAE_ENCODER));
    if (PictureEncoder.isUsed(parts())) {
      parts().encoders("a picture", true).forEach(e -> add(hasher, require(e.name())));
      flow().pictures().ifPresent(use -> hasher.putString(use.toString(), StandardCharsets.UTF_8));
    }
    hasher.putString(text(model.description().latents()), StandardCharsets.UTF_8);
    return hasher.hash().toString();
  }

  @Override
  public String captionsFingerprint() {
    Hasher hasher = Hashing.sha256().newHasher();
    parts().encoders("a caption", false).forEach(encoder -> add(hasher, require(encoder.name())));
    model
        .description()
        .flow()
        .texts()
        .forEach(text -> hasher.putString(text(text), StandardCharsets.UTF_8));
    new TreeMap<>(model.tokenizers().folders()).values().forEach(folder -> add(hasher, folder));
    return hasher.hash().toString();
  }

  /** Written out, so that caches stay good when a record gains what most models have not. */
  private static String text(ModelDescription.Latents latents) {
    String common =
        "Latents[channels=%s, spatialFactor=%s, temporalFactor=%s, sharedFirstFrame=%s, maxFrames=%s, sizeMultiple=%s, mean=%s, std=%s]"
            .formatted(
                latents.channels(),
                latents.spatialFactor(),
                latents.temporalFactor(),
                latents.sharedFirstFrame(),
                latents.maxFrames(),
                latents.sizeMultiple(),
                latents.mean(),
                latents.std());
    return latents.firstMean().isEmpty()
        ? common
        : common + latents.firstMean() + latents.firstStd();
  }

  /** Likewise. */
  private static String text(Text text) {
    return "Text[maxLength=%s, cleaning=%s]".formatted(text.maxLength(), text.cleaning());
  }

  private static void add(Hasher hasher, Path folder) {
    try (var files = Files.list(folder)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        hasher.putBytes(Files.readAllBytes(file));
      }
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(folder, failure), failure);
    }
  }

  private PipelineParts parts() {
    return PipelineParts.of(model, engine);
  }

  private Component require(String name) {
    return model
        .find(name)
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s: the checkpoint has no such component, which preparing clips needs"
                        .formatted(name)));
  }

  private static void add(Hasher hasher, Component component) {
    hasher.putString(CheckpointFingerprint.of(component.weights()), StandardCharsets.UTF_8);
    for (Graph segment : component.program().segments()) {
      segment.nodes().forEach(n -> hasher.putString(n.toString(), StandardCharsets.UTF_8));
    }
  }

  @Override
  public List<PromptTokens> captionTokens() {
    return PromptTokens.of(parts());
  }

  @Override
  public Flow flow() {
    return model.description().flow();
  }

  @Override
  public LatentEncoder openLatents() {
    var encoder = VaeEncoder.open(parts());
    Optional<PictureEncoder> pictures =
        PictureEncoder.isUsed(parts())
            ? Optional.of(PictureEncoder.open(parts(), encoder))
            : Optional.empty();
    return new LatentEncoder() {
      @Override
      public Latents encode(VideoClip clip) {
        return encoder.encode(clip);
      }

      @Override
      public Map<String, Tensor> pictures(ClipPictures given, LatentShape latents) {
        return toldOf(latents).map(own -> own.encode(prepared(given), latents)).orElse(Map.of());
      }

      @Override
      public Map<String, Tensor> picturesOfStage(ClipPictures given, LatentShape latents) {
        return toldOf(latents)
            .map(own -> own.encodeOfStage(prepared(given), latents))
            .orElse(Map.of());
      }

      private Optional<PictureEncoder> toldOf(LatentShape latents) {
        return pictures.filter(own -> !isAllGiven(latents));
      }

      @Override
      public void close() {
        encoder.close();
        pictures.ifPresent(PictureEncoder::close);
      }
    };
  }

  /** Whether a picture would be all of a clip, of which nothing would be left to learn. */
  private boolean isAllGiven(LatentShape latents) {
    return latents.frames() == 1
        && (flow().givesFirstFrame()
            || flow().conditions(true).stream().allMatch(Condition::optional));
  }

  /** Pictures as at generation. */
  private GivenPictures prepared(ClipPictures given) {
    VideoClip clip = given.clip();
    var preparation = PicturePreparation.of(flow(), Optional.empty());
    Optional<VideoFrame> last =
        given.last() && clip.frames() > 1
            ? Optional.of(clip.frame(clip.frames() - 1))
            : Optional.empty();
    return given
        .file()
        .map(
            file ->
                preparation.pictures(
                    PictureLoader.get().load(file),
                    last.map(PicturePreparation::picture),
                    new VideoSize(clip.height(), clip.width(), clip.frames(), clip.fps())))
        .orElseGet(() -> preparation.frames(clip.frame(0), last));
  }

  @Override
  public CaptionEncoder openCaptions() {
    var encoding = PromptEncoder.open(parts());
    return new CaptionEncoder() {
      @Override
      public Map<String, Tensor> encode(String caption) {
        return encoding.encode(caption);
      }

      @Override
      public void close() {
        encoding.close();
      }
    };
  }
}
