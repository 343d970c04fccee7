package io.github.tpdiff.evaluation.experiment;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import io.github.tpdiff.lora.job.ResolvedJob;
import io.github.tpdiff.lora.job.TrainingJob;
import io.github.tpdiff.lora.train.FullWeights;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingOutcome;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A checkpoint that arms begin from: given, or made up and trained in vanilla.
 *
 * @param name in the plan
 * @param start what the plan says of it
 * @param given folder of the given one
 * @param place where the made-up one is
 */
record StartingCheckpoint(String name, Plan.Start start, Path given, Path place) {
  private static final String WRITTEN = "written.json";
  private static final String TRAINED = "trained";

  /** The checkpoint's folder. */
  Path path() {
    return start.path().isPresent() ? given : place.resolve("checkpoint");
  }

  /** What its vanilla training needs of the experiment. */
  record Vanilla(Plan plan, Path data, Path cache) {}

  /** What a made-up one is made of. */
  private record Recipe(Plan.Start start, Plan.Data data, Map<String, Object> base) {}

  /** Writes the made-up one, before it is trained, if it is not there or another is. */
  void write(ExperimentHost host, Plan plan) throws IOException {
    if (start.path().isPresent()) {
      return;
    }
    var recipe = new Recipe(start, plan.data(), plan.base());
    Path written = place.resolve(WRITTEN);
    Optional<Recipe> before = ExperimentFolder.find(written, Recipe.class);
    if (before.map(ExperimentFolder::json).equals(Optional.of(ExperimentFolder.json(recipe)))) {
      return;
    }
    host.tell("making the checkpoint " + start.template().orElseThrow());
    write();
    ExperimentFolder.write(written, recipe);
  }

  /**
   * Trains the made-up one, as far as it is not.
   *
   * @return false if the user stopped it
   */
  boolean train(ExperimentHost host, Vanilla vanilla) {
    int steps = start.vanillaSteps().orElse(0);
    if (steps == 0 || Files.exists(place.resolve(TRAINED))) {
      return true;
    }
    if (!train(host, vanilla, steps)) {
      return false;
    }
    AtomicFile.write(place.resolve(TRAINED), new byte[0]);
    return true;
  }

  private void write() throws IOException {
    Map<String, CheckpointTemplate> templates = new TreeMap<>();
    ModelFamily.all().forEach(family -> templates.putAll(family.templates()));
    CheckpointTemplate template = templates.get(start.template().orElseThrow());
    checkArgument(
        template != null,
        "starts.%s.template: expected one of %s, found '%s'",
        name,
        templates.keySet(),
        start.template().orElseThrow());
    if (Files.exists(place)) { // what was stopped on the way, or is of another plan
      MoreFiles.deleteRecursively(place, RecursiveDeleteOption.ALLOW_INSECURE);
    }
    Files.createDirectories(place);
    template.write(
        new CheckpointTemplate.Order(
            path(), DType.F32, template.components(), (bytes, total) -> {}));
  }

  private boolean train(ExperimentHost host, Vanilla vanilla, int steps) {
    Path output = place.resolve("vanilla");
    Path result = output.resolve(ResolvedJob.WEIGHTS_FILE);
    var own = new ArmJob(ArmJob.merged(vanilla.plan().base(), start.job()));
    TrainingJob job =
        own.without("lora")
            .without("stages")
            .at(path(), vanilla.data(), vanilla.cache(), output)
            .with("stages.count", 1)
            .with("train.weights", List.of("**"))
            .to(steps, 0)
            .write(place.resolve("vanilla.yaml"));
    if (!Files.exists(result)) {
      host.tell("training %s in vanilla, %d steps".formatted(name, steps));
      if (host.train(job, new TrainingListener() {}).end() == TrainingOutcome.End.STOPPED) {
        return false;
      }
    }
    try (VideoModel model = host.open(ModelRequest.of(path()))) {
      FullWeights.writeOver(model, result);
    }
    return true;
  }
}
