package io.github.tpdiff.lora.data;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import io.github.tpdiff.lora.CheckpointFingerprint;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.PipelineParts;
import io.github.tpdiff.runtime.pipeline.PromptTokens;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.runtime.pipeline.TextEncoding;
import io.github.tpdiff.runtime.pipeline.VaeEncoder;
import io.github.tpdiff.runtime.pipeline.VideoModel;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The encoders of a checkpoint on an engine; both stay the caller's to close. */
public record ModelEncoders(VideoModel model, Engine engine) implements ClipEncoders {
  @Override
  public String latentsFingerprint() {
    Hasher hasher = Hashing.sha256().newHasher();
    add(hasher, require(Role.VAE_ENCODER_NEXT));
    hasher.putString(model.description().latents().toString(), StandardCharsets.UTF_8);
    return hasher.hash().toString();
  }

  @Override
  public String captionsFingerprint() {
    Hasher hasher = Hashing.sha256().newHasher();
    add(hasher, require(Role.TEXT_ENCODER));
    hasher.putString(model.description().text().toString(), StandardCharsets.UTF_8);
    Path folder = model.tokenizerFolder();
    try (var files = Files.list(folder)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        hasher.putBytes(Files.readAllBytes(file));
      }
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(folder, failure), failure);
    }
    return hasher.hash().toString();
  }

  private Component require(Role role) {
    Component component = model.components().get(role);
    if (component == null) {
      throw new CheckpointException(
          "%s: the checkpoint has no such component, which preparing clips needs"
              .formatted(role.label()));
    }
    return component;
  }

  private static void add(Hasher hasher, Component component) {
    hasher.putString(CheckpointFingerprint.of(component.weights()), StandardCharsets.UTF_8);
    for (Graph segment : component.program().segments()) {
      segment.nodes().forEach(n -> hasher.putString(n.toString(), StandardCharsets.UTF_8));
    }
  }

  private PromptTokens tokens() {
    return PromptTokens.of(PipelineParts.of(model, engine));
  }

  @Override
  public int captionTokens(String caption) {
    return tokens().length(caption);
  }

  @Override
  public int captionLimit() {
    return tokens().limit();
  }

  @Override
  public LatentEncoder openLatents() {
    var encoder = VaeEncoder.open(PipelineParts.of(model, engine));
    return new LatentEncoder() {
      @Override
      public Latents encode(VideoClip clip) {
        return encoder.encode(clip);
      }

      @Override
      public void close() {
        encoder.close();
      }
    };
  }

  @Override
  public CaptionEncoder openCaptions() {
    var encoding = TextEncoding.open(PipelineParts.of(model, engine));
    return new CaptionEncoder() {
      @Override
      public Tensor encode(String caption) {
        return encoding.encode(caption);
      }

      @Override
      public void close() {
        encoding.close();
      }
    };
  }
}
