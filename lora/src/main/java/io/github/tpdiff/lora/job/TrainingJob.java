package io.github.tpdiff.lora.job;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.lora.LoraConfig;
import io.github.tpdiff.lora.LoraDropout;
import io.github.tpdiff.lora.ModulePattern;
import io.github.tpdiff.lora.data.CaptionRule;
import io.github.tpdiff.lora.data.ClipSize;
import io.github.tpdiff.lora.data.EpochVisits;
import io.github.tpdiff.lora.data.Extraction;
import io.github.tpdiff.lora.data.PictureChoice;
import io.github.tpdiff.lora.data.SetShare;
import io.github.tpdiff.lora.train.FrozenForm;
import io.github.tpdiff.lora.train.TrainingSettings;
import io.github.tpdiff.runtime.diffusion.Alignment;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.StageConfig.Ends;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.lora.LoraFormat;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * A training job as its YAML file says; what it leaves open is decided by the checkpoint, see
 * {@link ResolvedJob}.
 *
 * @param file it was read from
 * @param model the checkpoint
 * @param data videos and captions
 * @param stages the pyramid
 * @param lora which layers gain a change
 * @param train how training goes
 * @param sample videos made on the way
 * @param output what is written where
 */
public record TrainingJob(
    Path file,
    Model model,
    Data data,
    Stages stages,
    Lora lora,
    Train train,
    Sample sample,
    Output output) {

  /**
   * The checkpoint.
   *
   * @param request where it is and how to open it
   * @param scheduler one of the model's named ones; empty for the checkpoint's own
   * @param denoiser that is trained, of a model that has several, see {@link JobRuns}
   */
  public record Model(
      ModelRequest request, Optional<String> scheduler, Optional<String> denoiser) {}

  /**
   * Videos, pictures and captions.
   *
   * @param sets folders or lists
   * @param cache where latents and embeddings are kept
   * @param sizes {@code WIDTHxHEIGHTxFRAMES}; empty for the checkpoint's own
   * @param buckets that sizes are chosen within instead, from the data
   * @param fps of the clips; empty for the checkpoint's own
   * @param validation share of the videos that is held out
   * @param negativePrompt stands in for dropped captions
   * @param pictures that a model is told of which takes some
   */
  public record Data(
      List<DataFiles> sets,
      Path cache,
      List<ClipSize> sizes,
      Optional<Buckets> buckets,
      Optional<Double> fps,
      double validation,
      String negativePrompt,
      PictureChoice pictures) {
    /**
     * @throws IllegalArgumentException if a number is out of range
     */
    public Data {
      sets = List.copyOf(sets);
      checkArgument(!sets.isEmpty(), "data.path: expected a folder or list, found none");
      EpochVisits.requireAlike(sets.stream().map(DataFiles::share).toList());
      checkArgument(
          buckets.isEmpty() || sizes.isEmpty(),
          "data.sizes: sizes are chosen within data.pixels; leave one of them out");
      fps.ifPresent(
          rate ->
              checkArgument(
                  rate > 0 && rate <= 1000, "data.fps: above 0, at most 1000, found %s", rate));
      checkArgument(
          validation >= 0 && validation < 1, "data.validation: in [0, 1), found %s", validation);
    }

    /** The trigger words of all sets, each once. */
    String triggers() {
      return sets.stream()
          .map(set -> set.captions().trigger())
          .filter(trigger -> !trigger.isEmpty())
          .distinct()
          .collect(Collectors.joining(", "));
    }

    /** The first, or only, folder or list. */
    public Path path() {
      return sets.get(0).path();
    }
  }

  /**
   * A folder or list of videos and pictures, and how clips are made of it.
   *
   * @param path of it
   * @param extraction which frames of a video become clips
   * @param captions what is put before them
   * @param share how often its clips are visited
   */
  public record DataFiles(Path path, Extraction extraction, CaptionRule captions, SetShare share) {}

  /**
   * Within what sizes are chosen.
   *
   * @param pixels whose product no frame exceeds
   * @param frames that clips may have; empty for the checkpoint's own, half of it, a quarter, and
   *     so on
   * @param shapes at most; empty for {@link #USUAL_SHAPES}
   */
  public record Buckets(PictureSize pixels, List<Integer> frames, OptionalInt shapes) {
    /** As many shapes as photographs and videos usually have, upright and lying. */
    static final int USUAL_SHAPES = 8;

    /**
     * @throws IllegalArgumentException if a number is not positive
     */
    public Buckets {
      frames = List.copyOf(frames);
      checkArgument(
          frames.stream().allMatch(count -> count >= 1),
          "data.frames: at least 1, found %s",
          frames);
      shapes.ifPresent(most -> checkArgument(most >= 1, "data.shapes: at least 1, found %s", most));
    }
  }

  /**
   * The pyramid.
   *
   * @param rates in sampling order
   * @param boundaries empty for equal parts of the checkpoint's schedule
   * @param stepSplit shares of sampling steps; empty for equal ones
   * @param downsampling D
   * @param upsampling U
   * @param spaceDownsampling D of rows and columns
   * @param spaceUpsampling U of rows and columns
   * @param targets what a stage's clean latents are
   * @param positions that the network is told; empty to leave them to a probe
   * @param targetScale of a flow-matching network; empty for the model's own
   * @param ends how far a stage goes that another follows
   * @param weights how often each stage is visited; empty for all alike
   * @param lossWeights how much the error of each counts; empty for all alike
   * @param alignment of data and noise
   */
  public record Stages(
      List<GridFactor> rates,
      List<Double> boundaries,
      List<Integer> stepSplit,
      Downsampling downsampling,
      Upsampling upsampling,
      Downsampling spaceDownsampling,
      Upsampling spaceUpsampling,
      Targets targets,
      Optional<PositionRules> positions,
      Optional<TargetScale> targetScale,
      Ends ends,
      List<Double> weights,
      List<Double> lossWeights,
      Alignment alignment) {}

  /**
   * Which layers gain a change, and which.
   *
   * @param kind of all
   * @param rank of all
   * @param alpha of all
   * @param targets empty for the checkpoint's own
   * @param exclude left alone
   * @param ranks that differ
   * @param dropout of what the changes are given, in training
   * @param origin of the first values, and what lies below; a file that it begins with decides all
   *     that stands before the dropout
   */
  public record Lora(
      LoraConfig.Kind kind,
      int rank,
      double alpha,
      List<ModulePattern> targets,
      List<ModulePattern> exclude,
      Map<ModulePattern, Integer> ranks,
      LoraDropout dropout,
      LoraOrigin origin) {}

  /** How training times are spread. */
  public enum Timesteps {
    UNIFORM,
    LOGIT_NORMAL
  }

  /**
   * How training goes.
   *
   * @param settings seed, steps, batches, optimizer
   * @param weights tensors trained in full instead of a LoRA; empty for a LoRA
   * @param frozen how the other weights are held
   * @param offload whether they come to the device by segment
   * @param pictureDropout share of clips that are shown without their picture; empty for what suits
   *     the model
   * @param timesteps empty for the checkpoint's own
   * @param timestepShift empty for the checkpoint's own
   * @param leastTimestep that is trained, on the checkpoint's own scale; empty for all
   * @param greatestTimestep likewise
   * @param validateEvery steps
   */
  public record Train(
      TrainingSettings settings,
      List<ModulePattern> weights,
      FrozenForm frozen,
      Offload offload,
      OptionalDouble pictureDropout,
      Optional<Timesteps> timesteps,
      OptionalDouble timestepShift,
      OptionalDouble leastTimestep,
      OptionalDouble greatestTimestep,
      int validateEvery) {
    /**
     * @throws IllegalArgumentException if a number is out of range
     */
    public Train {
      pictureDropout.ifPresent(
          share ->
              checkArgument(
                  share >= 0 && share <= 1, "train.picture_dropout: from 0 to 1, found %s", share));
      timestepShift.ifPresent(
          shift ->
              checkArgument(
                  shift > 0 && Double.isFinite(shift),
                  "train.timestep_shift: must be positive, found %s",
                  shift));
      checkArgument(
          validateEvery >= 1, "train.validate_every: at least 1, found %s", validateEvery);
    }
  }

  /**
   * Videos made while training goes on, in the output folder's {@code samples}.
   *
   * @param prompts a video of each; empty for none
   * @param file of more, see {@link PromptFile}
   * @param every steps
   * @param first whether before the first step too
   * @param size empty for the first of {@code data.sizes}
   * @param steps of the sampler, all stages together; empty for the checkpoint's own
   * @param guidance scale; empty for the checkpoint's own
   * @param seed of the first video's noise
   * @param pictures whether the videos show clips' pictures; empty for where the model needs one
   */
  public record Sample(
      List<String> prompts,
      Optional<Path> file,
      int every,
      boolean first,
      Optional<ClipSize> size,
      Optional<Integer> steps,
      Optional<Double> guidance,
      long seed,
      Optional<Boolean> pictures) {
    /**
     * @throws IllegalArgumentException if a number is out of range
     */
    public Sample {
      prompts = List.copyOf(prompts);
      checkArgument(every >= 1, "sample.every: at least 1, found %s", every);
      guidance.ifPresent(
          scale ->
              checkArgument(
                  Double.isFinite(scale), "sample.guidance: must be finite, found %s", scale));
    }

    /** Whether no video is asked for. */
    boolean isEmpty() {
      return prompts.isEmpty() && file.isEmpty();
    }
  }

  /**
   * What is written where.
   *
   * @param folder of the run
   * @param saveEvery steps
   * @param keep states
   * @param dtype of the LoRA files
   * @param formats of the LoRA files, diffusers' first
   * @param about what the LoRA files say of themselves
   */
  public record Output(
      Path folder, int saveEvery, int keep, DType dtype, List<LoraFormat> formats, About about) {
    /**
     * @throws IllegalArgumentException if a number is not positive
     */
    public Output {
      checkArgument(saveEvery >= 1, "output.save_every: at least 1, found %s", saveEvery);
      checkArgument(keep >= 1, "output.keep: at least 1, found %s", keep);
      var all = new LinkedHashSet<>(List.of(LoraFormat.DIFFUSERS));
      all.addAll(formats);
      formats = List.copyOf(all);
    }

    /**
     * The file of a video that is made on the way.
     *
     * @param step steps done
     * @param prompt its number, from 0
     * @param ending of the name, without the dot
     */
    public Path sample(int step, int prompt, String ending) {
      return folder.resolve(
          String.format(Locale.ROOT, "samples/step-%08d-%d.%s", step, prompt, ending));
    }

    /** The same in a folder below. */
    Output below(String name) {
      return new Output(folder.resolve(name), saveEvery, keep, dtype, formats, about);
    }
  }

  /**
   * What LoRA files say of themselves to the programs that list them.
   *
   * @param title empty for the checkpoint's name
   * @param author who made it
   * @param description what it does
   * @param license under what terms
   */
  public record About(
      Optional<String> title,
      Optional<String> author,
      Optional<String> description,
      Optional<String> license) {}

  /**
   * Reads a job file; paths in it are relative to its folder.
   *
   * @throws CheckpointException if a key is unknown or a value wrong, naming the line and the key
   */
  public static TrainingJob read(Path file) {
    JobSection root = JobSection.root(file).knowing(JobKey.all());
    return root.checked(section -> TrainingJobReader.read(file, section));
  }
}
