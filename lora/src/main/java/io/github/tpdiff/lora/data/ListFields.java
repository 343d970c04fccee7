package io.github.tpdiff.lora.data;

import com.google.common.collect.ImmutableList;
import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/**
 * What lists call a video, its caption and its picture: ours first, then the names that other tools
 * use. Where a list names no video, its picture is what is trained on.
 */
enum ListFields {
  VIDEO("video", "video_path", "media_path", "media", "file_name", "file_path", "path", "file"),
  CAPTION("caption", "prompt", "text", "description"),
  PICTURE("picture", "image", "image_path", "input_image");

  /** Names that are known, the one that counts first. */
  private final ImmutableList<String> names;

  ListFields(String... names) {
    this.names = ImmutableList.copyOf(names);
  }

  /** The one of a list's names that means this; capitals and spaces around do not matter. */
  Optional<String> find(Collection<String> present) {
    return names.stream()
        .flatMap(known -> present.stream().filter(p -> normal(p).equals(known)))
        .findFirst();
  }

  private static String normal(String name) {
    return name.strip().toLowerCase(Locale.ROOT);
  }

  /** The names for an error line, such as {@code 'caption' (or prompt, text)}. */
  String words() {
    return "'%s' (or %s)"
        .formatted(names.get(0), String.join(", ", names.subList(1, names.size())));
  }
}
