package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.data.PictureChoice;
import io.github.tpdiff.lora.job.TrainingJob.Data;
import java.nio.file.Path;
import java.util.List;

/** Reads the section {@code data} of a job. */
final class DataReader {
  private DataReader() {}

  static Data read(JobSection s) {
    return new Data(
        s.resolve(
            s.require(
                "path",
                JobType.path("a folder of videos or a list"),
                "A folder of videos, each with its caption in a .txt of the same name, or a .csv or"
                    + " .jsonl list of `video` and `caption`.")),
        s.resolve(
            s.value(
                "cache",
                JobType.path("a folder"),
                Path.of("cache"),
                "Where encoded clips and captions are kept from run to run.")),
        s.find(
                "sizes",
                JobType.list("sizes, such as [832x480x81]", ClipSize.TYPE),
                TrainingJobReader.CHECKPOINTS_OWN,
                "Sizes that clips may have, in pixels and frames; each video goes to the one of the"
                    + " nearest shape.")
            .orElse(List.of()),
        s.find(
            "fps",
            JobType.NUMBER,
            TrainingJobReader.CHECKPOINTS_OWN,
            "Frames per second at which clips are taken from videos; above 0, at most 1000."),
        s.value(
            "clips_per_video",
            JobType.WHOLE,
            1,
            "At most so many clips of one video, spread over its length."),
        s.value(
            "validation",
            JobType.NUMBER,
            0.0,
            "Share of the videos that is held out to measure the loss on; in [0, 1)."),
        s.value(
            "negative_prompt",
            JobType.TEXT,
            "",
            "What stands for a caption that is dropped; the same at generation."),
        new PictureChoice(
            s.value(
                "pictures",
                JobType.choice(PictureChoice.Source.class),
                PictureChoice.Source.FIRST_FRAME,
                "What a model is shown that takes a picture: the clip's own first_frame, or files: a"
                    + " .png, .jpg or .webp of the video's name or the list's `picture`, where"
                    + " there is one."),
            s.value(
                "last_picture",
                JobType.FLAG,
                false,
                "Shows the clip's last frame too, to a model that takes one but need not have it.")));
  }
}
