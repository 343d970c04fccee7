package io.github.tpdiff.lora.job;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.data.PictureChoice;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.model.VideoModel;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * How pictures take part in a job.
 *
 * @param need whether the model takes or needs them
 * @param choice which it is told of
 * @param dropout share of clips that are shown without
 */
record JobPictures(Need need, PictureChoice choice, double dropout) {
  /** Where a model makes videos without a picture too, both are learned alike. */
  private static final double USUAL_DROPOUT = 0.5;

  /** Whether a model is told of pictures. */
  enum Need {
    NONE,
    OPTIONAL,
    REQUIRED
  }

  /**
   * Decides.
   *
   * @throws IllegalArgumentException if the job says something of pictures that the model does not
   *     take
   */
  static JobPictures of(TrainingJob job, VideoModel model) {
    Need need = need(model);
    Optional<PictureUse> use = model.description().flow().pictures();
    PictureUse.Last last = use.map(PictureUse::last).orElse(PictureUse.Last.NEVER);
    PictureChoice said = job.data().pictures();
    checkArgument(
        need != Need.NONE || said.first() == PictureChoice.Source.FIRST_FRAME,
        "data.pictures: this model is told of none; leave it out");
    checkArgument(
        !said.last() || last != PictureUse.Last.NEVER,
        "data.last_picture: this model is told of none; leave it out");
    OptionalDouble dropout = job.train().pictureDropout();
    checkArgument(
        need == Need.OPTIONAL || dropout.orElse(0) == 0,
        "train.picture_dropout: %s, found %s; leave it out",
        need == Need.NONE
            ? "this model is told of no picture"
            : "this model makes no video without a picture",
        dropout.orElse(0));
    return new JobPictures(
        need,
        new PictureChoice(said.first(), said.last() || last == PictureUse.Last.ALWAYS),
        dropout.orElse(need == Need.OPTIONAL ? USUAL_DROPOUT : 0));
  }

  private static Need need(VideoModel model) {
    Flow flow = model.description().flow();
    List<Condition> conditions = flow.conditions(true);
    if (!conditions.stream().allMatch(Condition::optional)) {
      return Need.REQUIRED;
    }
    return conditions.stream()
            .anyMatch(
                condition ->
                    flow.writers(List.of(condition.name())).stream()
                        .allMatch(writer -> model.find(writer.name()).isPresent()))
        ? Need.OPTIONAL
        : Need.NONE;
  }

  /** What is said of them where the job's settings are kept; nothing where the model takes none. */
  OptionalDouble keptDropout() {
    return need == Need.OPTIONAL ? OptionalDouble.of(dropout) : OptionalDouble.empty();
  }

  /** A line for people; empty where the model takes none. */
  Optional<String> words() {
    if (need == Need.NONE) {
      return Optional.empty();
    }
    String first =
        switch (choice.first()) {
          case FIRST_FRAME -> "each clip's own first frame";
          case FILES -> "the file beside each video or in the list, else the clip's first frame";
        };
    String share =
        dropout == 0
            ? "every clip"
            : String.format(
                Locale.ROOT,
                "%.0f %% of the clips, the others are shown without (train.picture_dropout)",
                100 * (1 - dropout));
    return Optional.of(
        "pictures: %s%s; for %s".formatted(first, choice.last() ? ", and its last" : "", share));
  }
}
