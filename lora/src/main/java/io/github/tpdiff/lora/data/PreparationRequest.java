package io.github.tpdiff.lora.data;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What is to be made of which videos and pictures.
 *
 * @param sets of videos and pictures
 * @param cache where latents and embeddings are kept
 * @param uncaptioned the prompt that stands in for dropped captions
 * @param prompts more prompts whose embeddings are wanted
 * @param pictures that a model is told of which takes some
 * @param strides of the smaller videos that are encoded beside every clip, for stages that aim at
 *     them
 * @param againstPictures why pictures cannot be clips of one frame; empty if they can
 */
public record PreparationRequest(
    List<SourceSet> sets,
    Path cache,
    String uncaptioned,
    List<String> prompts,
    PictureChoice pictures,
    List<GridFactor> strides,
    Optional<String> againstPictures) {
  /**
   * @throws IllegalArgumentException if there is no set, only some sets have a weight, or strides
   *     are there twice
   */
  public PreparationRequest {
    sets = List.copyOf(sets);
    prompts = List.copyOf(prompts);
    strides = List.copyOf(strides);
    checkArgument(!sets.isEmpty(), "data.sets: expected at least one");
    EpochVisits.requireAlike(sets.stream().map(SourceSet::share).toList());
    checkArgument(
        !strides.contains(GridFactor.ONE) && Set.copyOf(strides).size() == strides.size(),
        "strides: expected those of smaller videos, each once, found %s",
        strides);
  }

  /** Of one set, whose pictures can be clips. */
  public static PreparationRequest of(SourceSet set, Path cache) {
    return new PreparationRequest(
        List.of(set),
        cache,
        "",
        List.of(),
        PictureChoice.firstFrames(),
        List.of(),
        Optional.empty());
  }

  /** The same that tells of other pictures. */
  public PreparationRequest withPictures(PictureChoice others) {
    return new PreparationRequest(
        sets, cache, uncaptioned, prompts, others, strides, againstPictures);
  }

  /** The same with smaller videos. */
  public PreparationRequest withStrides(List<GridFactor> others) {
    return new PreparationRequest(
        sets, cache, uncaptioned, prompts, pictures, others, againstPictures);
  }

  /** The same with prompts. */
  public PreparationRequest withPrompts(String negative, List<String> others) {
    return new PreparationRequest(
        sets, cache, negative, others, pictures, strides, againstPictures);
  }

  /** How often the clips of each set are visited. */
  public List<SetShare> shares() {
    return sets.stream().map(SourceSet::share).toList();
  }

  /** Of the smaller videos that the stages of a plan aim at, in sampling order. */
  public static List<GridFactor> strides(StagePlan plan) {
    return plan.config().targets() == Targets.LATENT
        ? List.of()
        : plan.stages().stream()
            .map(Stage::strides)
            .filter(strides -> !strides.equals(GridFactor.ONE))
            .toList();
  }
}
