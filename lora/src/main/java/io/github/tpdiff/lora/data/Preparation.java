package io.github.tpdiff.lora.data;

import io.github.tpdiff.lora.data.ClipCutter.DroppedException;
import io.github.tpdiff.lora.data.PreparedVideo.Drop;
import io.github.tpdiff.lora.data.PreparedVideo.Rule;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.model.PromptTokens;
import io.github.tpdiff.weights.WritablePlace;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Turns videos, pictures and captions into cached latents and embeddings.
 *
 * <p>A cache file is named by the content it was made from and the configuration that made it, so a
 * changed video, size or encoder makes a new one; files are complete or absent, and a stopped
 * preparation goes on where it was.
 */
public final class Preparation {
  private static final String NO_CAPTION =
      "expected a caption, not empty: a .txt of the same name, in UTF-8 and of at most %d bytes, or"
              .formatted(SourceFolder.MOST_CAPTION_BYTES)
          + " a list's field";

  private final PreparationRequest request;
  private final ClipEncoders encoders;
  private final Sources sources;

  /**
   * A video or picture, and its set.
   *
   * @param set number of it in the request
   */
  public record Source(SourceVideo video, int set) {}

  /**
   * The files of a request, in their order.
   *
   * @param notes lines on what was found and not taken
   */
  public record Sources(List<Source> files, List<String> notes) {
    public Sources {
      files = List.copyOf(files);
      notes = List.copyOf(notes);
    }

    /**
     * Reads the folders and lists of a request.
     *
     * @throws io.github.tpdiff.weights.CheckpointException if one has no files
     */
    public static Sources read(PreparationRequest request) {
      var files = new ArrayList<Source>();
      var notes = new ArrayList<String>();
      List<SourceSet> sets = request.sets();
      for (int set = 0; set < sets.size(); set++) {
        SourceList list = SourceList.read(sets.get(set).source());
        String own = sets.size() == 1 ? "" : sets.get(set).source().getFileName() + ": ";
        for (SourceVideo video : list.videos()) {
          files.add(new Source(video, set));
        }
        list.notes().forEach(note -> notes.add(own + note));
        sets.get(set).captions().words().ifPresent(words -> notes.add(own + words));
      }
      return new Sources(files, notes);
    }
  }

  /** Makes clips of a source, or of what is there already. */
  private interface Making {
    PreparedVideo make(Source source) throws DroppedException;
  }

  /** Is told of every video and picture done. */
  @FunctionalInterface
  public interface PreparationListener {
    void prepared(PreparedVideo video, int done, int total);
  }

  /**
   * A set and how it came to be.
   *
   * @param clips to train on
   * @param report what became of every video and picture
   */
  public record Prepared(CachedSet clips, PreparationReport report) {}

  /** A video that gave clips, and where it came from. */
  private record Captioned(
      VideoCaches caches, List<LatentCache.Entry> entries, CachedSet.Origin origin) {}

  Preparation(PreparationRequest request, ClipEncoders encoders, Sources sources) {
    this.request = request;
    this.encoders = encoders;
    this.sources = sources;
  }

  /**
   * Makes what is not there yet.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if no clip is left, saying which rule
   *     dropped what
   */
  public static Prepared prepare(
      PreparationRequest request, ClipEncoders encoders, PreparationListener listener) {
    WritablePlace.requireFolder(request.cache());
    return new Preparation(request, encoders, Sources.read(request)).run(listener);
  }

  /**
   * What would become of every video and picture, found by cutting it: nothing is encoded or
   * written.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if no clip would be left
   */
  public static PreparationReport survey(PreparationRequest request, ClipEncoders encoders) {
    var preparation = new Preparation(request, encoders, Sources.read(request));
    var rows = new ArrayList<PreparedVideo>();
    var captions = new ArrayList<String>();
    try (var naming = new VideoEncoding(request, encoders)) {
      for (Source source : preparation.sources.files()) {
        PreparedVideo row = preparation.prepare(source, own -> preparation.survey(own, naming));
        rows.add(row);
        if (row.drop().isEmpty()) {
          captions.add(preparation.caption(source));
        }
      }
    }
    return preparation.report(rows, List.of(), captions);
  }

  private PreparationReport report(
      List<PreparedVideo> rows, List<String> encoded, List<String> captions) {
    var lines = new ArrayList<>(sources.notes());
    lines.addAll(cut("captions", captions));
    var prompts = new ArrayList<>(request.prompts());
    prompts.add(request.uncaptioned());
    lines.addAll(cut("prompts", prompts));
    lines.addAll(encoded);
    var report = new PreparationReport(rows, lines);
    report.requireClips();
    return report;
  }

  /** What the text encoders do not read of some texts. */
  private List<String> cut(String what, List<String> texts) {
    var lines = new ArrayList<String>();
    for (PromptTokens tokens : encoders.captionTokens()) {
      int[] cut = texts.stream().mapToInt(tokens::length).filter(n -> n > tokens.limit()).toArray();
      if (cut.length > 0) {
        lines.add(
            "%s cut at the %d tokens that the text encoder reads: %d of %d, the longest has %d"
                .formatted(
                    what,
                    tokens.limit(),
                    cut.length,
                    texts.size(),
                    Arrays.stream(cut).max().orElseThrow()));
      }
    }
    return lines;
  }

  private SourceSet set(Source source) {
    return request.sets().get(source.set());
  }

  /** What the network is told of a video. */
  private String caption(Source source) {
    return caption(request, source);
  }

  private static String caption(PreparationRequest request, Source source) {
    return request
        .sets()
        .get(source.set())
        .captions()
        .apply(source.video().caption().orElseThrow());
  }

  /** The file of the picture that a model is told of; empty for the clip's own first frame. */
  private Optional<Path> picture(Source source) {
    return request.pictures().first() == PictureChoice.Source.FILES && encoders.isToldOfPictures()
        ? source.video().picture()
        : Optional.empty();
  }

  /** What becomes of a video or picture: what is wrong with it is found before it is opened. */
  private PreparedVideo prepare(Source source, Making making) {
    Path file = source.video().file();
    try {
      if (source.video().caption().isEmpty()) {
        throw new DroppedException(Rule.NO_CAPTION, NO_CAPTION);
      }
      if (source.video().isPicture() && request.againstPictures().isPresent()) {
        throw new DroppedException(Rule.PICTURE, request.againstPictures().get());
      }
      if (!Files.isRegularFile(file)) {
        throw new DroppedException(Rule.UNREADABLE, "expected a video or picture file, found none");
      }
      return making.make(source);
    } catch (DroppedException dropped) {
      String advice =
          dropped.rule() == Rule.TOO_SHORT ? "; lower the frames of clips or leave it out" : "";
      return PreparedVideo.dropped(
          file, new Drop(dropped.rule(), dropped.getMessage() + advice), source.set());
    }
  }

  private void requireReadable(Optional<Path> picture) throws DroppedException {
    Optional<String> fault = picture.flatMap(PictureFile::fault);
    if (fault.isPresent()) {
      throw new DroppedException(Rule.UNREADABLE, fault.get());
    }
  }

  private ClipCutter cutter(Source source) {
    return new ClipCutter(set(source).sizes(), set(source).extraction());
  }

  private PreparedVideo survey(Source source, VideoEncoding naming) throws DroppedException {
    requireReadable(picture(source));
    Found found = find(source, naming);
    var clips = new ArrayList<PreparedVideo.Clip>();
    cutter(source).cut(source.video(), cut -> clips.add(cut.made()));
    return found.made(source, clips, false);
  }

  /** What a file has in it, and where its clips are or will be. */
  private record Found(String content, VideoCaches caches) {
    PreparedVideo made(Source source, List<PreparedVideo.Clip> clips, boolean cached) {
      return new PreparedVideo(
          source.video().file(),
          clips,
          cached,
          Optional.empty(),
          Optional.of(
              new PreparedVideo.Content(content, caches.full().file().getFileName().toString())),
          source.set());
    }
  }

  private Found find(Source source, VideoEncoding naming) throws DroppedException {
    try {
      String content = VideoEncoding.content(source.video().file());
      return new Found(
          content, naming.caches(source.video(), set(source), content, picture(source)));
    } catch (IOException failure) {
      throw new DroppedException(
          Rule.UNREADABLE,
          failure instanceof FileSystemException
              ? "cannot be read: " + failure
              : String.valueOf(failure.getMessage()));
    }
  }

  /** What becomes of a file on a machine that makes it, with where its clips lie. */
  SharedVideo share(Source source, VideoEncoding encoding) {
    var captioned = new ArrayList<Captioned>();
    PreparedVideo row = prepare(source, own -> encode(own, encoding, captioned));
    return SharedVideo.of(row, captioned.stream().map(Captioned::caches).findFirst());
  }

  /** The texts that are trained on, of files by what became of them. */
  static List<String> texts(PreparationRequest request, Sources sources, List<SharedVideo> videos) {
    var texts = new ArrayList<>(List.of(request.uncaptioned()));
    texts.addAll(request.prompts());
    for (int i = 0; i < videos.size(); i++) {
      if (videos.get(i).row().drop().isEmpty()) {
        texts.add(caption(request, sources.files().get(i)));
      }
    }
    return texts.stream().distinct().toList();
  }

  /**
   * What several machines prepared.
   *
   * @param videos what became of the file of each number
   */
  Prepared gather(List<SharedVideo> videos) {
    var captioned = new ArrayList<Captioned>();
    var rows = new ArrayList<PreparedVideo>();
    for (int i = 0; i < sources.files().size(); i++) {
      Source source = sources.files().get(i);
      PreparedVideo row = videos.get(i).at(source);
      rows.add(row);
      if (row.drop().isEmpty()) {
        captioned.add(
            new Captioned(
                videos.get(i).caches(request),
                videos.get(i).entries(),
                new CachedSet.Origin(
                    source.video().file(),
                    row.content().orElseThrow().sha256(),
                    source.set(),
                    caption(source))));
      }
    }
    List<String> texts = captioned.stream().map(video -> video.origin().caption()).toList();
    return new Prepared(clips(captioned), report(rows, List.of(), texts));
  }

  private Prepared run(PreparationListener listener) {
    var captioned = new ArrayList<Captioned>();
    var rows = new ArrayList<PreparedVideo>();
    List<String> encoded;
    try (var encoding = new VideoEncoding(request, encoders)) {
      for (Source source : sources.files()) {
        PreparedVideo row = prepare(source, own -> encode(own, encoding, captioned));
        rows.add(row);
        listener.prepared(row, rows.size(), sources.files().size());
      }
      encoded = encoding.notes();
    }
    List<String> texts = captioned.stream().map(video -> video.origin().caption()).toList();
    PreparationReport report = report(rows, encoded, texts);
    return new Prepared(clips(captioned), report);
  }

  private PreparedVideo encode(Source source, VideoEncoding encoding, List<Captioned> captioned)
      throws DroppedException {
    Optional<Path> picture = picture(source);
    if (picture.filter(file -> !Files.isRegularFile(file)).isPresent()) {
      requireReadable(picture);
    }
    Found found = find(source, encoding);
    VideoCaches caches = found.caches();
    List<GridFactor> missing = encoding.missing(caches);
    PreparedVideo row;
    if (missing.isEmpty()) {
      row =
          found.made(
              source,
              caches.full().entries().orElseThrow().stream().map(LatentCache.Entry::made).toList(),
              true);
    } else {
      requireReadable(picture);
      row =
          found.made(
              source,
              encoding.make(
                  caches, missing, picture, clips -> cutter(source).cut(source.video(), clips)),
              false);
    }
    captioned.add(
        new Captioned(
            caches,
            caches.full().entries().orElseThrow(),
            new CachedSet.Origin(
                source.video().file(), found.content(), source.set(), caption(source))));
    return row;
  }

  private CachedSet clips(List<Captioned> captioned) {
    var texts = new ArrayList<>(List.of(request.uncaptioned()));
    texts.addAll(request.prompts());
    captioned.forEach(video -> texts.add(video.origin().caption()));
    var captions = CaptionCaches.in(request.cache(), encoders);
    captions.make(texts);
    var entries = new ArrayList<CachedSet.Entry>();
    for (Captioned video : captioned) {
      CaptionCache caption = captions.of(video.origin().caption());
      for (LatentCache.Entry clip : video.entries()) {
        entries.add(new CachedSet.Entry(video.caches(), clip, caption, video.origin()));
      }
    }
    return new CachedSet(
        encoders.flow(),
        entries,
        new CachedSet.Prompts(captions.of(request.uncaptioned()), captions.of(request.prompts())),
        request.shares());
  }
}
