package io.github.tpdiff.spark;

import io.github.tpdiff.lora.data.ClipEncoders;
import io.github.tpdiff.lora.data.Preparation.Prepared;
import io.github.tpdiff.lora.data.Preparation.Sources;
import io.github.tpdiff.lora.data.PreparationRequest;
import io.github.tpdiff.lora.data.SharedPreparation;
import io.github.tpdiff.lora.data.SharedVideo;
import java.io.Serializable;
import java.util.List;

/**
 * What executors made of a job's data, as one machine tells the others.
 *
 * @param files each a {@link FileItem}, in order
 * @param notes of the folders and lists that they are of
 * @param videos what became of each, a {@link SharedVideo}
 */
record PreparedFiles(List<String> files, List<String> notes, List<String> videos)
    implements Serializable {
  PreparedFiles {
    files = List.copyOf(files);
    notes = List.copyOf(notes);
    videos = List.copyOf(videos);
  }

  /** The set that they come to; nothing is encoded, opened or listed again. */
  Prepared gather(PreparationRequest request, ClipEncoders encoders) {
    return SharedPreparation.gather(
        request,
        encoders,
        new Sources(files.stream().map(FileItem::parse).map(FileItem::source).toList(), notes),
        videos.stream().map(SharedVideo::parse).toList());
  }
}
