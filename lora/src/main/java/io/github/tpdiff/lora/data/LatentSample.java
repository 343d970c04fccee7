package io.github.tpdiff.lora.data;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.data.ClipCutter.DroppedException;
import io.github.tpdiff.lora.data.ClipEncoders.LatentEncoder;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.TemporalSpectrum;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Latents of some clips of a data set, to measure what they are like: one clip a video, spread over
 * the videos. Captions are not read, and nothing is kept.
 *
 * @param clips all of one length
 * @param videos there are
 */
public record LatentSample(List<Latents> clips, int videos) {
  public LatentSample {
    clips = List.copyOf(clips);
  }

  /**
   * What is to be encoded.
   *
   * @param source a folder of videos or a list, see {@link SourceList}
   * @param size of the clips
   * @param most clips, at least 1
   */
  public record Request(Path source, VideoSize size, int most) {
    /**
     * @throws IllegalArgumentException if {@code most} is not positive
     */
    public Request {
      checkArgument(most >= 1, "clips: at least 1, found %s", most);
    }
  }

  /** Is told of every clip that was encoded. */
  @FunctionalInterface
  public interface Listener {
    void encoded(Path video, int done, int total);
  }

  /**
   * Encodes; videos that are too short or cannot be read are passed over.
   *
   * @throws CheckpointException if that leaves none, saying what is wrong with the first
   */
  public static LatentSample encode(Request request, ClipEncoders encoders, Listener listener) {
    List<SourceVideo> videos = SourceList.read(request.source()).videos();
    int total = Math.min(request.most(), videos.size());
    var cutter = new ClipCutter(List.of(request.size()), 1);
    var clips = new ArrayList<Latents>();
    Optional<String> fault = Optional.empty();
    try (LatentEncoder encoder = encoders.openLatents()) {
      for (SourceVideo video : spread(videos, request.most())) {
        if (clips.size() == total) {
          break;
        }
        try {
          clips.add(encoder.encode(cutter.cut(video.file()).get(0).clip()));
          listener.encoded(video.file(), clips.size(), total);
        } catch (DroppedException dropped) {
          fault = fault.or(() -> Optional.of(video.file() + ": " + dropped.getMessage()));
        }
      }
    }
    if (clips.isEmpty()) {
      throw new CheckpointException(
          "%s: expected a video that fills %d frames at %s fps, found none among %d; ask for fewer"
                  .formatted(
                      request.source(),
                      request.size().frames(),
                      request.size().fps(),
                      videos.size())
              + " (the first: %s)".formatted(fault.orElse("")));
    }
    return new LatentSample(clips, videos.size());
  }

  /**
   * How much of the clips changes how fast, of what a model has to predict: the frame that a
   * picture gives is left out, which a model that takes one may be told of every clip.
   */
  public TemporalSpectrum spectrum(Flow flow) {
    boolean given = flow.givesFirstFrame() && clips.get(0).frames() > 1;
    return TemporalSpectrum.of(clips, given ? 1 : 0);
  }

  /** Whether a folder is a job's cache, where preparation left latents. */
  public static boolean isPrepared(Path folder) {
    return Files.isDirectory(folder.resolve(VideoEncoding.LATENTS));
  }

  /**
   * The same of clips that are prepared already.
   *
   * @param folder a job's cache
   * @param frames latent frames that a clip must have
   * @param most clips, at least 1; one a video
   * @throws CheckpointException if no clip is so long
   */
  public static LatentSample prepared(Path folder, int frames, int most) {
    var clips = new ArrayList<Latents>();
    List<Path> files = files(folder.resolve(VideoEncoding.LATENTS));
    for (Path file : spread(files, most)) {
      var cache = new LatentCache(file);
      if (clips.size() < most) {
        cache.entries().orElse(List.of()).stream()
            .filter(entry -> entry.shape().frames() == frames)
            .findFirst()
            .ifPresent(entry -> clips.add(cache.latents(entry.number())));
      }
    }
    if (clips.isEmpty()) {
      throw new CheckpointException(
          "%s: expected a prepared clip of %d latent frames, found none among %d videos"
              .formatted(folder, frames, files.size()));
    }
    return new LatentSample(clips, files.size());
  }

  private static List<Path> files(Path folder) {
    try (var files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".safetensors")).sorted().toList();
    } catch (IOException failure) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(folder, failure), failure);
    }
  }

  /** All of them, the first {@code most} far from each other. */
  private static <T> List<T> spread(List<T> all, int most) {
    int stride = Math.max(1, (all.size() + most - 1) / most);
    var spread = new ArrayList<T>();
    for (int first = 0; first < stride; first++) {
      for (int i = first; i < all.size(); i += stride) {
        spread.add(all.get(i));
      }
    }
    return spread;
  }
}
