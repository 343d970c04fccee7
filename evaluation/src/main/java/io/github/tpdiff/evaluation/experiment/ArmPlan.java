package io.github.tpdiff.evaluation.experiment;

import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What an arm was when it was trained: with another its points would not belong together.
 *
 * @param job its sections
 */
record ArmPlan(
    Plan.Start start, Plan.Data data, Plan.Budget budget, Plan.Quality quality, Object job) {
  static ArmPlan of(Plan plan, Plan.Start start, String arm) {
    return new ArmPlan(
        start, plan.data(), plan.budget(), plan.quality(), ArmJob.of(plan, arm).sections());
  }

  /**
   * Finds an arm that has been trained as another.
   *
   * @param file of what it was; may be missing
   * @param origin of the plan
   * @throws CheckpointException if it was another
   */
  void requireAsBefore(Path file, String origin) {
    Optional<ArmPlan> before = ExperimentFolder.find(file, ArmPlan.class);
    if (before.isPresent()
        && !ExperimentFolder.json(before.get()).equals(ExperimentFolder.json(this))) {
      throw new CheckpointException(
          "%s: expected the arm of %s, found another, which has been trained; give it another"
                  .formatted(file, origin)
              + " name, or the experiment another folder");
    }
  }
}
