package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.data.CaptionRule;
import io.github.tpdiff.lora.data.Extraction;
import io.github.tpdiff.lora.data.SetShare;
import io.github.tpdiff.lora.job.TrainingJob.DataFiles;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What the section {@code data} says of all its sets, and a set of itself.
 *
 * @param mode of extraction
 * @param stride of sliding clips
 * @param most clips of a video
 * @param captions what is put before them
 * @param repeats of each clip in an epoch
 * @param weight of the set
 */
record DataSetKeys(
    Extraction.Mode mode,
    Optional<Integer> stride,
    Optional<Integer> most,
    CaptionRule captions,
    int repeats,
    Optional<Double> weight) {

  /** Where a set lies. */
  static final String PATH = "path";

  static DataSetKeys usual() {
    return new DataSetKeys(
        Extraction.Mode.HEAD,
        Optional.empty(),
        Optional.empty(),
        CaptionRule.none(),
        1,
        Optional.empty());
  }

  /** What a section says, or else {@code otherwise}. */
  static DataSetKeys read(JobSection s, DataSetKeys otherwise) {
    return new DataSetKeys(
        s.value(
            "extraction",
            JobType.choice(Extraction.Mode.class),
            otherwise.mode(),
            "Which frames of a video become clips. head: from its beginning, one clip after another;"
                + " middle: likewise about its middle; sliding: a clip every `stride` frames, which"
                + " may overlap; uniform: clips spread evenly from beginning to end; retimed: one"
                + " clip whose frames are spread over the whole video, whatever its speed becomes;"
                + " whole: one clip of as many frames as the video fills and the stages take, up to"
                + " the longest size."),
        s.find(
                "stride",
                JobType.WHOLE,
                "half a clip",
                "With extraction: sliding: frames of the clips' rate from the beginning of a clip to"
                    + " that of the next.")
            .or(otherwise::stride),
        s.find(
                "clips_per_video",
                JobType.WHOLE,
                "1; with sliding all, with uniform as many as cover the video",
                "At most so many clips of one video; of retimed and whole it is 1.")
            .or(otherwise::most),
        new CaptionRule(
            s.value(
                "trigger",
                JobType.TEXT,
                otherwise.captions().trigger(),
                "A word that stands for what is learned: put in place of `[trigger]` in captions,"
                    + " else before those that lack it, with a comma."),
            s.value(
                "caption_prefix",
                JobType.TEXT,
                otherwise.captions().prefix(),
                "Put before every caption as it is, unless it is there already.")),
        s.value(
            "repeats",
            JobType.WHOLE,
            otherwise.repeats(),
            "Times that each clip counts in an epoch: an epoch has clips x repeats visits."),
        s.find(
                "weight",
                JobType.NUMBER,
                "none: `repeats` decide",
                "In place of `repeats`, for every set or none: the set's share of the visits of an"
                    + " epoch against the other sets, however many clips it has. An epoch then has"
                    + " as many visits as there are clips, and every clip of a set is visited as"
                    + " often as its others.")
            .or(otherwise::weight));
  }

  /** Of a set what it says, by key; what was there before there were several is always said. */
  static Map<String, Object> written(DataFiles files) {
    var keys = new LinkedHashMap<String, Object>();
    keys.put(PATH, files.path());
    Extraction extraction = files.extraction();
    if (extraction.mode() != Extraction.Mode.HEAD) {
      keys.put("extraction", extraction.mode());
    }
    extraction.stride().ifPresent(frames -> keys.put("stride", frames));
    extraction.most().ifPresent(clips -> keys.put("clips_per_video", clips));
    if (!files.captions().trigger().isEmpty()) {
      keys.put("trigger", files.captions().trigger());
    }
    if (!files.captions().prefix().isEmpty()) {
      keys.put("caption_prefix", files.captions().prefix());
    }
    if (files.share().repeats() != 1) {
      keys.put("repeats", files.share().repeats());
    }
    files.share().weight().ifPresent(share -> keys.put("weight", share));
    return keys;
  }

  DataFiles of(Path path) {
    return new DataFiles(
        path,
        new Extraction(mode, JobType.optional(stride), JobType.optional(most)),
        captions,
        new SetShare(repeats, JobType.optionalDouble(weight)));
  }
}
