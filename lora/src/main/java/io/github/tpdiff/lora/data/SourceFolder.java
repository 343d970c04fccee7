package io.github.tpdiff.lora.data;

import java.io.IOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The videos and pictures of a folder and of the folders in it, with their captions. Links are
 * followed, and each folder is read once, however many lead to it: links in a circle end, and links
 * beside each other do not multiply.
 */
final class SourceFolder extends SimpleFileVisitor<Path> {
  static final Set<String> VIDEOS =
      Set.of(
          "mp4", "mov", "mkv", "webm", "avi", "m4v", "gif", "mpg", "mpeg", "ts", "wmv", "flv",
          "ogv", "3gp", "mts", "m2ts");

  private static final String CAPTION = "txt";
  private static final Set<String> LISTS = Set.of("csv", "jsonl", "json");

  /** What a list is called that is read where it lies. */
  private static final Pattern METADATA =
      Pattern.compile("metadata\\.(csv|jsonl)", Pattern.CASE_INSENSITIVE);

  /** A thousand times what text encoders read. */
  static final long MOST_CAPTION_BYTES = 1 << 20;

  /** Endings that a note names one by one. */
  private static final int NAMED = 8;

  private final Set<Path> foldersRead = new HashSet<>();
  private final List<Path> videos = new ArrayList<>();
  private final Set<Path> captions = new HashSet<>();
  private final Set<Path> pictures = new HashSet<>();
  private final List<Path> lists = new ArrayList<>();
  private final Map<String, Integer> others = new TreeMap<>();
  private int picturesOfVideos;
  private int captionsTaken;
  private int brokenLinks;
  private int repeatedFolders;

  private SourceFolder() {}

  /** Reads a folder, videos and pictures in order of name. */
  static SourceList read(Path folder) throws IOException {
    var found = new SourceFolder();
    Files.walkFileTree(folder, EnumSet.of(FileVisitOption.FOLLOW_LINKS), Integer.MAX_VALUE, found);
    return new SourceList(found.entries(), found.notes());
  }

  private List<SourceVideo> entries() throws IOException {
    Map<Path, SourceVideo> listed = listed();
    var entries = new TreeMap<Path, SourceVideo>();
    for (Path video : videos) {
      entries.put(video, entry(video, pictureOf(video), listed));
    }
    Set<Path> told = new HashSet<>();
    entries.values().forEach(e -> e.picture().ifPresent(p -> told.add(p.normalize())));
    for (Path picture : List.copyOf(pictures)) {
      if (told.contains(picture.normalize())) {
        pictures.remove(picture);
        picturesOfVideos++;
      }
    }
    for (Path picture : pictures) {
      entries.put(picture, entry(picture, Optional.empty(), listed));
    }
    // What lists name beside the folder's files, or that is not there.
    listed.values().forEach(other -> entries.put(other.file(), other));
    return List.copyOf(entries.values());
  }

  /** What the folder's lists say, by file. */
  private Map<Path, SourceVideo> listed() throws IOException {
    var listed = new LinkedHashMap<Path, SourceVideo>();
    lists.sort(Comparator.naturalOrder());
    for (Path list : lists) {
      for (SourceVideo entry : ListFile.read(list).orElseThrow()) {
        listed.put(entry.file().normalize(), entry);
      }
    }
    return listed;
  }

  /** A caption beside the file counts more than one in a list. */
  private SourceVideo entry(Path file, Optional<Path> picture, Map<Path, SourceVideo> listed)
      throws IOException {
    Optional<SourceVideo> said = Optional.ofNullable(listed.remove(file.normalize()));
    Path caption = captionOf(file);
    captionsTaken += captions.remove(caption) ? 1 : 0;
    return new SourceVideo(
        file,
        text(caption).or(() -> said.flatMap(SourceVideo::caption)),
        said.flatMap(SourceVideo::picture).or(() -> picture));
  }

  @Override
  public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes)
      throws IOException {
    if (foldersRead.add(folder.toRealPath())) {
      return FileVisitResult.CONTINUE;
    }
    repeatedFolders++;
    return FileVisitResult.SKIP_SUBTREE;
  }

  @Override
  public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
    String ending = ending(file);
    if (attributes.isSymbolicLink()) {
      brokenLinks++;
    } else if (attributes.isRegularFile() && VIDEOS.contains(ending)) {
      videos.add(file);
    } else if (attributes.isRegularFile()
        && METADATA.matcher(file.getFileName().toString()).matches()) {
      lists.add(file);
    } else if (attributes.isRegularFile() && ending.equals(CAPTION)) {
      captions.add(file);
    } else if (attributes.isRegularFile() && PictureFile.ENDINGS.contains(ending)) {
      pictures.add(file);
    } else {
      others.merge(ending, 1, Integer::sum);
    }
    return FileVisitResult.CONTINUE;
  }

  @Override
  public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
    if (failure instanceof FileSystemLoopException) {
      repeatedFolders++;
      return FileVisitResult.CONTINUE;
    }
    throw failure;
  }

  private List<String> notes() {
    var notes = new ArrayList<String>();
    notes.add(inventory());
    int count = others.values().stream().mapToInt(Integer::intValue).sum();
    if (count > 0) {
      notes.add(
          "passed over, neither video, picture nor caption: %s%s"
              .formatted(
                  kinds(count),
                  others.keySet().stream().anyMatch(LISTS::contains)
                      ? "; a list is read where data.path names it, or as metadata.csv or .jsonl"
                      : ""));
    }
    if (!captions.isEmpty()) {
      notes.add(
          "passed over, captions without a video or picture: %d, such as %s"
              .formatted(
                  captions.size(),
                  captions.stream().sorted().findFirst().orElseThrow().getFileName()));
    }
    if (brokenLinks > 0) {
      notes.add("passed over, links that lead to nothing: " + brokenLinks);
    }
    if (repeatedFolders > 0) {
      notes.add("passed over, links to folders that are read already: " + repeatedFolders);
    }
    return notes;
  }

  /** What each file of the folder is, every one counted once. */
  private String inventory() {
    var counts = new LinkedHashMap<String, Integer>();
    counts.put("videos", videos.size());
    counts.put("pictures", pictures.size());
    counts.put("pictures beside videos", picturesOfVideos);
    counts.put("captions", captionsTaken);
    counts.put("lists", lists.size());
    counts.put(
        "passed over",
        captions.size() + brokenLinks + others.values().stream().mapToInt(Integer::intValue).sum());
    String kinds =
        counts.entrySet().stream()
            .filter(kind -> kind.getValue() > 0)
            .map(kind -> kind.getValue() + " " + kind.getKey())
            .collect(Collectors.joining(", "));
    return "found %d files%s"
        .formatted(
            counts.values().stream().mapToInt(Integer::intValue).sum(),
            kinds.isEmpty() ? "" : ": " + kinds);
  }

  private String kinds(int count) {
    List<Map.Entry<String, Integer>> named =
        others.entrySet().stream()
            .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
            .limit(NAMED)
            .toList();
    var kinds = new ArrayList<String>();
    int rest = count;
    for (Map.Entry<String, Integer> kind : named) {
      rest -= kind.getValue();
      kinds.add(
          kind.getValue() + (kind.getKey().isEmpty() ? " without ending" : " ." + kind.getKey()));
    }
    if (rest > 0) {
      kinds.add(rest + " others");
    }
    return String.join(", ", kinds);
  }

  /** What follows the last dot of a file's name, in lower case; empty without one. */
  static String ending(Path file) {
    String name = file.getFileName().toString();
    int dot = name.lastIndexOf('.');
    return dot < 0 ? "" : name.substring(dot + 1).toLowerCase(Locale.ROOT);
  }

  private static Path captionOf(Path video) {
    return beside(video, CAPTION);
  }

  private static Path beside(Path video, String ending) {
    String name = video.getFileName().toString();
    return video.resolveSibling(name.substring(0, name.lastIndexOf('.') + 1) + ending);
  }

  /** The first of the pictures beside a video, all of which are then taken. */
  private Optional<Path> pictureOf(Path video) {
    List<Path> own =
        PictureFile.ENDINGS.stream()
            .map(ending -> beside(video, ending))
            .filter(pictures::remove)
            .toList();
    picturesOfVideos += own.size();
    return own.stream().findFirst();
  }

  private static Optional<String> text(Path caption) throws IOException {
    if (!Files.isRegularFile(caption) || Files.size(caption) > MOST_CAPTION_BYTES) {
      return Optional.empty();
    }
    try {
      return Optional.of(Utf8File.read(caption, MOST_CAPTION_BYTES).strip())
          .filter(text -> !text.isEmpty());
    } catch (Utf8File.MalformedException notText) {
      return Optional.empty();
    }
  }
}
