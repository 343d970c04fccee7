package io.github.tpdiff.lora.data;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.data.ClipCutter.DroppedException;
import io.github.tpdiff.lora.data.ClipEncoders.CaptionEncoder;
import io.github.tpdiff.lora.data.ClipEncoders.LatentEncoder;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.LatentSpectrum;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Some clips of a data set, to measure what they are like and what a checkpoint knows of them: one
 * clip a video, spread over the videos. Nothing is kept.
 *
 * @param sampled all of one size
 * @param videos there are
 */
public record LatentSample(List<Clip> sampled, int videos) {
  public LatentSample {
    sampled = List.copyOf(sampled);
  }

  /**
   * A clip.
   *
   * @param byStrides its latents, normalised, with the values that its pictures decide of a model
   *     that is told some; and those of smaller videos of it
   * @param caption where there is one
   */
  public record Clip(
      Map<GridFactor, ClipEncoders.EncodedClip> byStrides, Optional<String> caption) {
    public Clip {
      byStrides = Map.copyOf(byStrides);
    }

    /** Of the clip itself. */
    public Latents latents() {
      return latents(GridFactor.ONE);
    }

    /**
     * Of the clip, or a smaller video of it.
     *
     * @throws IllegalArgumentException if that was not encoded
     */
    Latents latents(GridFactor strides) {
      return Optional.ofNullable(byStrides.get(strides))
          .map(ClipEncoders.EncodedClip::latents)
          .orElseThrow(
              () ->
                  new IllegalArgumentException(
                      "clips: expected them with strides %s, at which stages of pixel targets aim, found %s; a job's cache does not say which are whose, the videos do"
                          .formatted(strides, byStrides.keySet())));
    }

    private Conditions told(Flow flow, Map<String, Tensor> captioned) {
      var values = new HashMap<>(captioned);
      var ofGrids = new HashMap<LatentGrid, Map<String, Tensor>>();
      byStrides.forEach(
          (strides, encoded) -> {
            if (strides.equals(GridFactor.ONE)) {
              values.putAll(encoded.conditions());
            } else {
              ofGrids.put(encoded.latents().shape().grid(), encoded.conditions());
            }
          });
      return new Conditions(flow, values, ofGrids);
    }
  }

  /**
   * What is to be encoded.
   *
   * @param source a folder of videos or a list, see {@link SourceList}
   * @param size of the clips
   * @param most clips, at least 1
   * @param use that is made of them
   */
  public record Request(Path source, VideoSize size, int most, Use use) {
    /**
     * @throws IllegalArgumentException if {@code most} is not positive
     */
    public Request {
      checkArgument(most >= 1, "clips: at least 1, found %s", most);
    }
  }

  /**
   * What is made of clips besides measuring their latents.
   *
   * @param shown what a network is to be told of them
   * @param strides of smaller videos of them that are to be encoded too
   */
  public record Use(Shown shown, List<GridFactor> strides) {
    public Use {
      strides = List.copyOf(strides);
    }

    /** Nothing. */
    public static Use measured() {
      return new Use(Shown.nothing(), List.of());
    }

    /** A network is asked about them in the stages of a plan. */
    public static Use asked(StagePlan plan) {
      return new Use(Shown.all(), PreparationRequest.strides(plan));
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
    List<SourceVideo> videos =
        SourceList.read(request.source()).videos().stream()
            .filter(video -> !video.isPicture() || request.size().frames() == 1)
            .toList();
    int total = Math.min(request.most(), videos.size());
    var cutter = new ClipCutter(new GivenSizes(List.of(request.size())), Extraction.head(1));
    var clips = new ArrayList<Clip>();
    Optional<String> fault = Optional.empty();
    try (LatentEncoder encoder = encoders.openLatents()) {
      for (SourceVideo video : spread(videos, request.most())) {
        if (clips.size() == total) {
          break;
        }
        try {
          cutter.cut(video, cut -> clips.add(clip(cut.clip(), video, request.use(), encoder)));
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

  private static Clip clip(VideoClip clip, SourceVideo video, Use use, LatentEncoder encoder) {
    var pictures = new ClipPictures(clip, Optional.empty(), false);
    Latents full = encoder.encode(clip);
    var byStrides = new HashMap<GridFactor, ClipEncoders.EncodedClip>();
    boolean told = use.shown().picture();
    byStrides.put(
        GridFactor.ONE,
        new ClipEncoders.EncodedClip(
            full, told ? encoder.pictures(pictures, full.shape()) : Map.of()));
    for (GridFactor strides : use.strides()) {
      ClipPictures smaller = pictures.coarser(strides);
      Latents own = encoder.encode(smaller.clip());
      byStrides.put(
          strides,
          new ClipEncoders.EncodedClip(
              own, told ? encoder.picturesOfStage(smaller, own.shape()) : Map.of()));
    }
    return new Clip(byStrides, video.caption().filter(caption -> use.shown().caption()));
  }

  /** The latents alone. */
  public List<Latents> clips() {
    return sampled.stream().map(Clip::latents).toList();
  }

  /**
   * How much of the clips changes how fast, of what a model has to predict: the frame that a
   * picture gives is left out, which a model that takes one may be told of every clip.
   */
  public LatentSpectrum spectrum(Flow flow) {
    boolean given = flow.givesFirstFrame() && clips().get(0).frames() > 1;
    return LatentSpectrum.of(clips(), given ? 1 : 0);
  }

  /** The clips as a network is told of them; a caption that there is not is the empty prompt. */
  public TrainingSet told(ClipEncoders encoders) {
    try (CaptionEncoder captions = encoders.openCaptions()) {
      Map<String, Tensor> uncaptioned = captions.encode("");
      return new SampledSet(
          sampled,
          sampled.stream()
              .map(
                  clip ->
                      clip.told(
                          encoders.flow(),
                          clip.caption().map(captions::encode).orElse(uncaptioned)))
              .toList(),
          uncaptioned);
    }
  }

  /** Whether a folder is a job's cache, where preparation left latents. */
  public static boolean isPrepared(Path folder) {
    return Files.isDirectory(folder.resolve(VideoEncoding.LATENTS));
  }

  /**
   * The same of clips that are prepared already.
   *
   * @param folder a job's cache, which does not say whose captions its captions are
   * @param grid that a clip must have
   * @param most clips, at least 1; one a video
   * @throws CheckpointException if no clip is of that size
   */
  public static LatentSample prepared(Path folder, LatentGrid grid, int most) {
    var clips = new ArrayList<Clip>();
    List<Path> files = files(folder.resolve(VideoEncoding.LATENTS));
    for (Path file : spread(files, most)) {
      var cache = new LatentCache(file);
      if (clips.size() < most) {
        cache.entries().orElse(List.of()).stream()
            .filter(entry -> entry.shape().grid().equals(grid))
            .findFirst()
            .ifPresent(entry -> clips.add(clip(cache, entry.number())));
      }
    }
    if (clips.isEmpty()) {
      throw new CheckpointException(
          "%s: expected a prepared clip of %s latent frames, rows and columns, found none among %d videos; say the size that they were prepared in"
              .formatted(folder, grid, files.size()));
    }
    return new LatentSample(clips, files.size());
  }

  private static Clip clip(LatentCache cache, int number) {
    return new Clip(
        Map.of(
            GridFactor.ONE,
            new ClipEncoders.EncodedClip(cache.latents(number), cache.conditions(number))),
        Optional.empty());
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
