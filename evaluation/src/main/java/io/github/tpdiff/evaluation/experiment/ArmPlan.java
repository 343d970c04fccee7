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

  private ArmPlan withBudget(Plan.Budget other) {
    return new ArmPlan(start, data, other, quality, job);
  }

  /**
   * Finds an arm that has been trained as another. Its budget may have been raised, or lowered: as
   * long as points stay where they are.
   *
   * @param file of what it was; may be missing
   * @param origin of the plan
   * @throws CheckpointException if it was another
   */
  void requireAsBefore(Path file, String origin) {
    Optional<ArmPlan> before = ExperimentFolder.find(file, ArmPlan.class);
    if (before.isEmpty()) {
      return;
    }
    Plan.Budget was = before.get().budget;
    if (!budget.goesOnFrom(was)) {
      throw new CheckpointException(
          ("%s: budget: expected points at those of %s steps and %s points, which are there, found %s"
                  + " and %s; raise it by twice the steps for each point more")
              .formatted(file, was.steps(), was.points(), budget.steps(), budget.points()));
    }
    ArmPlan asNow = before.get().withBudget(budget);
    if (!ExperimentFolder.json(asNow).equals(ExperimentFolder.json(this))) {
      throw new CheckpointException(
          "%s: expected the arm of %s, found another, which has been trained; give it another"
                  .formatted(file, origin)
              + " name, or the experiment another folder");
    }
  }
}
