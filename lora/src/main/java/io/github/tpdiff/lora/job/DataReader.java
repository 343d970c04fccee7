package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.data.ClipSize;
import io.github.tpdiff.lora.data.PictureChoice;
import io.github.tpdiff.lora.job.TrainingJob.Buckets;
import io.github.tpdiff.lora.job.TrainingJob.Data;
import io.github.tpdiff.lora.job.TrainingJob.DataFiles;
import io.github.tpdiff.runtime.picture.PictureSize;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Reads the section {@code data} of a job. */
final class DataReader {
  private static final JobType<PictureSize> PIXELS =
      JobType.scalar("WIDTHxHEIGHT, such as 832x480", DataReader::pixels, DataReader::words);

  static final JobType<ClipSize> SIZE =
      JobType.scalar(
          "WIDTHxHEIGHTxFRAMES, such as 832x480x81", ClipSize::parse, ClipSize::toString);

  private DataReader() {}

  static Data read(JobSection s) {
    return new Data(
        sets(s),
        s.resolve(
            s.value(
                "cache",
                JobType.path("a folder"),
                Path.of("cache"),
                "Where encoded clips and captions are kept from run to run.")),
        s.find(
                "sizes",
                JobType.filled("sizes, such as [832x480x81]", SIZE),
                TrainingJobReader.CHECKPOINTS_OWN,
                "Sizes that clips may have, in pixels and frames; each video goes to the one of the"
                    + " nearest shape, of those the longest it fills, each picture to one of these"
                    + " with one frame.")
            .orElse(List.of()),
        buckets(s),
        s.find(
            "fps",
            JobType.NUMBER,
            TrainingJobReader.CHECKPOINTS_OWN,
            "Frames per second at which clips are taken from videos; above 0, at most 1000."),
        s.value(
            "validation",
            JobType.NUMBER,
            0.0,
            "Share of the videos and pictures that is held out to measure the loss on; in [0, 1)."),
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

  private static List<DataFiles> sets(JobSection s) {
    Optional<Path> path =
        s.find(
            "path",
            JobType.path("a folder or list"),
            "required without `sets`",
            "A folder of videos and pictures, each with its caption in a .txt of the same name or in"
                + " a metadata.csv or metadata.jsonl there; or a .csv, .jsonl or .json list of"
                + " `video` and `caption`. A picture that is not beside a video of its name is a"
                + " clip of one frame.");
    DataSetKeys usual = DataSetKeys.read(s, DataSetKeys.usual());
    List<DataFiles> sets =
        s.items(
            "sets",
            "a list of sets, such as [{path: a, repeats: 2}, {path: b}]",
            item ->
                DataSetKeys.read(item, usual)
                    .of(
                        item.resolve(
                            item.require(
                                "path", JobType.path("a folder or list"), "As in the section."))),
            "Several folders or lists instead of `path`, each with any of the keys extraction,"
                + " stride, clips_per_video, trigger, caption_prefix, repeats and weight; what a set"
                + " leaves out is as the section says.");
    if (path.isPresent() == !sets.isEmpty()) {
      throw new IllegalArgumentException(
          "data.path: expected a folder of videos or a list, or else data.sets, found %s"
              .formatted(path.isPresent() ? "both" : "neither"));
    }
    return path.map(own -> List.of(usual.of(s.resolve(own)))).orElse(sets);
  }

  private static Optional<Buckets> buckets(JobSection s) {
    Optional<PictureSize> pixels =
        s.find(
            "pixels",
            PIXELS,
            "`sizes`",
            "Has sizes chosen from what the videos and pictures are like, none with more pixels than"
                + " this: shapes near their own, half the pixels or a quarter for smaller ones, and"
                + " multiples that fit the model and its stages.");
    Optional<List<Integer>> frames =
        s.find(
            "frames",
            JobType.filled("whole numbers", JobType.WHOLE),
            "the checkpoint's own, and half, a quarter, ... of it that fit the stages",
            "With `pixels`: how many frames clips may have; each video goes to the most it fills.");
    Optional<Integer> shapes =
        s.find(
            "shapes",
            JobType.WHOLE,
            "" + Buckets.USUAL_SHAPES,
            "With `pixels`: at most so many shapes, width over height, are chosen; those go that the"
                + " fewest files have, to the shape beside them.");
    if (pixels.isEmpty() && (frames.isPresent() || shapes.isPresent())) {
      throw new IllegalArgumentException(
          "data.%s: goes with data.pixels; leave it out, or give that"
              .formatted(frames.isPresent() ? "frames" : "shapes"));
    }
    return pixels.map(
        size -> new Buckets(size, frames.orElse(List.of()), JobType.optional(shapes)));
  }

  private static PictureSize pixels(String text) {
    ClipSize size = ClipSize.parse(text.strip() + "x1");
    return new PictureSize(size.width(), size.height());
  }

  /** As a job has it. */
  static String words(PictureSize pixels) {
    return pixels.width() + "x" + pixels.height();
  }
}
