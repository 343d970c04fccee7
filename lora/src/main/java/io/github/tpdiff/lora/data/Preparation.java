package io.github.tpdiff.lora.data;

import io.github.tpdiff.lora.data.ClipEncoders.CaptionEncoder;
import io.github.tpdiff.lora.data.PreparedVideo.Rule;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.model.PromptTokens;
import io.github.tpdiff.weights.WritablePlace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Turns videos and captions into cached latents and embeddings.
 *
 * <p>A cache file is named by the content it was made from and the configuration that made it, so a
 * changed video, size or encoder makes a new one; files are complete or absent, and a stopped
 * preparation goes on where it was.
 */
public final class Preparation {
  private static final String NO_CAPTION =
      "expected a caption, not empty: a .txt of the same name, in UTF-8 and of at most %d bytes, or"
              .formatted(SourceFolder.MOST_CAPTION_BYTES)
          + " the list's field";

  private final PreparationRequest request;
  private final ClipEncoders encoders;
  private final PreparationListener listener;

  /** Is told of every video done. */
  @FunctionalInterface
  public interface PreparationListener {
    void prepared(PreparedVideo video, int done, int total);
  }

  /**
   * A set and how it came to be.
   *
   * @param clips to train on
   * @param report what became of every video
   */
  public record Prepared(CachedSet clips, PreparationReport report) {}

  /** A video that gave clips, and its caption. */
  private record Captioned(VideoCaches caches, String caption) {}

  private Preparation(
      PreparationRequest request, ClipEncoders encoders, PreparationListener listener) {
    this.request = request;
    this.encoders = encoders;
    this.listener = listener;
  }

  /**
   * Makes what is not there yet.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if no clip is left, saying which rule
   *     dropped what
   */
  public static Prepared prepare(
      PreparationRequest request, ClipEncoders encoders, PreparationListener listener) {
    return new Preparation(request, encoders, listener).run();
  }

  /**
   * What would become of every video, found by cutting it: nothing is encoded or written.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if no clip would be left
   */
  public static PreparationReport survey(PreparationRequest request, ClipEncoders encoders) {
    var rows = new ArrayList<PreparedVideo>();
    var captions = new ArrayList<String>();
    var cutter = new ClipCutter(request.sizes(), request.clipsPerVideo());
    SourceList source = SourceList.read(request.source());
    for (SourceVideo video : source.videos()) {
      PreparedVideo row =
          video.caption().isEmpty()
              ? uncaptioned(video.file())
              : faulty(picture(video, request, encoders), video.file())
                  .orElseGet(() -> survey(video, cutter));
      rows.add(row);
      if (row.drop().isEmpty()) {
        captions.add(video.caption().orElseThrow());
      }
    }
    var report = new PreparationReport(rows, notes(source, encoders, captions, request));
    report.requireClips();
    return report;
  }

  private static List<String> notes(
      SourceList source, ClipEncoders encoders, List<String> captions, PreparationRequest request) {
    var notes = new ArrayList<>(source.notes());
    notes.addAll(cut("captions", captions, encoders));
    var prompts = new ArrayList<>(request.prompts());
    prompts.add(request.uncaptioned());
    notes.addAll(cut("prompts", prompts, encoders));
    return notes;
  }

  /** What the text encoders do not read of some texts. */
  private static List<String> cut(String what, List<String> texts, ClipEncoders encoders) {
    var notes = new ArrayList<String>();
    for (PromptTokens tokens : encoders.captionTokens()) {
      int[] cut = texts.stream().mapToInt(tokens::length).filter(n -> n > tokens.limit()).toArray();
      if (cut.length > 0) {
        notes.add(
            "%s cut at the %d tokens that the text encoder reads: %d of %d, the longest has %d"
                .formatted(
                    what,
                    tokens.limit(),
                    cut.length,
                    texts.size(),
                    Arrays.stream(cut).max().orElseThrow()));
      }
    }
    return notes;
  }

  /** The file of the picture that a model is told of; empty for the clip's own first frame. */
  private static Optional<Path> picture(
      SourceVideo video, PreparationRequest request, ClipEncoders encoders) {
    return request.pictures().first() == PictureChoice.Source.FILES && encoders.isToldOfPictures()
        ? video.picture()
        : Optional.empty();
  }

  private static Optional<PreparedVideo> faulty(Optional<Path> picture, Path video) {
    return picture
        .flatMap(PictureFile::fault)
        .map(fault -> PreparedVideo.dropped(video, Rule.UNREADABLE, fault));
  }

  private static PreparedVideo survey(SourceVideo video, ClipCutter cutter) {
    try {
      List<PreparedVideo.Clip> clips =
          cutter.cut(video.file()).stream().map(ClipCutter.Cut::made).toList();
      return new PreparedVideo(video.file(), clips, false, Optional.empty());
    } catch (ClipCutter.DroppedException dropped) {
      return dropped(video.file(), dropped);
    }
  }

  private static PreparedVideo dropped(Path file, ClipCutter.DroppedException dropped) {
    String advice =
        dropped.rule() == Rule.TOO_SHORT ? "; lower the frames of data.sizes or leave it out" : "";
    return PreparedVideo.dropped(file, dropped.rule(), dropped.getMessage() + advice);
  }

  private static PreparedVideo uncaptioned(Path file) {
    return PreparedVideo.dropped(file, Rule.NO_CAPTION, NO_CAPTION);
  }

  private Prepared run() {
    WritablePlace.requireFolder(request.cache());
    SourceList source = SourceList.read(request.source());
    List<SourceVideo> videos = source.videos();
    var captions = new ArrayList<Captioned>();
    var rows = new ArrayList<PreparedVideo>();
    var notes = new ArrayList<String>();
    try (var encoding = new VideoEncoding(request, encoders)) {
      for (SourceVideo video : videos) {
        PreparedVideo row = prepare(video, encoding, captions);
        rows.add(row);
        listener.prepared(row, rows.size(), videos.size());
      }
      notes.addAll(encoding.notes());
    }
    List<String> texts = captions.stream().map(Captioned::caption).toList();
    notes.addAll(0, notes(source, encoders, texts, request));
    var report = new PreparationReport(rows, notes);
    report.requireClips();
    return new Prepared(withCaptions(captions), report);
  }

  private PreparedVideo prepare(
      SourceVideo video, VideoEncoding encoding, List<Captioned> captions) {
    if (video.caption().isEmpty()) {
      return uncaptioned(video.file());
    }
    if (!Files.isRegularFile(video.file())) {
      return PreparedVideo.dropped(
          video.file(), Rule.UNREADABLE, "expected a video file, found none");
    }
    Optional<Path> picture = picture(video, request, encoders);
    if (picture.filter(file -> !Files.isRegularFile(file)).isPresent()) {
      return faulty(picture, video.file()).orElseThrow();
    }
    VideoCaches caches;
    try {
      caches = encoding.caches(video.file(), picture);
    } catch (IOException failure) {
      return PreparedVideo.dropped(video.file(), Rule.UNREADABLE, "cannot be read: " + failure);
    }
    List<GridFactor> missing = encoding.missing(caches);
    PreparedVideo row =
        missing.isEmpty()
            ? cached(video.file(), caches.full().entries().orElseThrow())
            : faulty(picture, video.file())
                .orElseGet(
                    () ->
                        make(video.file(), cuts -> encoding.make(caches, missing, cuts, picture)));
    if (row.drop().isEmpty()) {
      captions.add(new Captioned(caches, video.caption().get()));
    }
    return row;
  }

  private static PreparedVideo cached(Path file, List<LatentCache.Entry> entries) {
    return new PreparedVideo(
        file, entries.stream().map(LatentCache.Entry::made).toList(), true, Optional.empty());
  }

  private PreparedVideo make(Path file, Consumer<List<ClipCutter.Cut>> encode) {
    try {
      List<ClipCutter.Cut> cuts =
          new ClipCutter(request.sizes(), request.clipsPerVideo()).cut(file);
      encode.accept(cuts);
      return new PreparedVideo(
          file, cuts.stream().map(ClipCutter.Cut::made).toList(), false, Optional.empty());
    } catch (ClipCutter.DroppedException dropped) {
      return dropped(file, dropped);
    }
  }

  private CachedSet withCaptions(List<Captioned> captions) {
    String fingerprint = encoders.captionsFingerprint();
    var caches = new LinkedHashMap<String, CaptionCache>();
    caches.put(request.uncaptioned(), captionCache(request.uncaptioned(), fingerprint));
    request.prompts().forEach(p -> caches.put(p, captionCache(p, fingerprint)));
    captions.forEach(c -> caches.computeIfAbsent(c.caption(), t -> captionCache(t, fingerprint)));
    makeMissing(caches);
    var entries = new ArrayList<CachedSet.Entry>();
    for (Captioned video : captions) {
      CaptionCache embedding = captionCache(video.caption(), fingerprint);
      for (LatentCache.Entry clip : video.caches().full().entries().orElseThrow()) {
        entries.add(new CachedSet.Entry(video.caches(), clip, embedding));
      }
    }
    return new CachedSet(
        encoders.flow(),
        entries,
        captionCache(request.uncaptioned(), fingerprint),
        request.prompts().stream().map(p -> captionCache(p, fingerprint)).toList());
  }

  private void makeMissing(Map<String, CaptionCache> caches) {
    if (caches.values().stream().allMatch(CaptionCache::exists)) {
      return;
    }
    try (CaptionEncoder encoder = encoders.openCaptions()) {
      caches.forEach(
          (caption, cache) -> {
            if (!cache.exists()) {
              cache.write(caption, encoder.encode(caption));
            }
          });
    }
  }

  private CaptionCache captionCache(String caption, String fingerprint) {
    return new CaptionCache(
        request
            .cache()
            .resolve("captions")
            .resolve(VideoEncoding.fileOf(caption + '\0' + fingerprint)));
  }
}
