package io.github.tpdiff.evaluation.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.lora.job.TrainingJob;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

class PlanFileTest {
  private static final String PLAN =
      """
      title: A test
      starts: {wan: {template: wan-tiny, vanilla_steps: 3}}
      data: {shapes: {clips: 12, width: 64, height: 64, frames: 17, fps: 8, seed: 0}}
      base:
        data: {sizes: [64x64x17], validation: 0.2}
        stages: {count: 3, alignment: none}
        train: {batch_size: 2, learning_rate: 2e-3, weights: ["**"]}
      budget: {steps: 8, points: 3}
      seeds: 2
      quality: {clips: 2, steps: 3, guidance: 1}
      arms:
        vanilla: {job: {stages: {count: 1}}}
        phased: {against: vanilla, paper: {training_speed_up: 2.16}}
        lora: {against: vanilla, job: {train: {weights: }, lora: {rank: 4}}}
      """;

  @TempDir private Path folder;

  private Plan plan(String text) throws IOException {
    Files.writeString(folder.resolve("plan.yaml"), text);
    return PlanFile.read(folder.resolve("plan.yaml")).plan();
  }

  private void assertRefused(String from, String to, String message) {
    assertThat(PLAN).contains(from);
    assertThatThrownBy(() -> plan(PLAN.replace(from, to)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(folder.resolve("plan.yaml") + ": ")
        .hasMessageContaining(message);
  }

  @Test
  void aPlan_saysWhatItSays() throws IOException {
    Plan plan = plan(PLAN);
    assertThat(plan.shares()).containsExactly(0.25, 0.5, 1.0);
    assertThat(plan.arms().keySet()).containsExactly("vanilla", "phased", "lora");
    assertThat(plan.againstOf("vanilla")).isEqualTo("vanilla");
    assertThat(plan.againstOf("lora")).isEqualTo("vanilla");
    assertThat(plan.startOf("lora")).isEqualTo("wan");
    assertThat(plan.required("phased").paper()).containsEntry("training_speed_up", 2.16);
  }

  @Test
  void anArm_isAJob_ofTheBaseAndItsOwnKeys() throws IOException {
    Plan plan = plan(PLAN);
    TrainingJob vanilla = job(plan, "vanilla");
    assertThat(vanilla.stages().rates()).isEmpty();
    assertThat(vanilla.train().settings().batches().size()).isEqualTo(2);
    assertThat(vanilla.train().settings().steps()).isEqualTo(5);
    assertThat(vanilla.train().settings().seed()).isEqualTo(1);
    assertThat(job(plan, "phased").stages().rates()).hasSize(2);
    assertThat(job(plan, "phased").train().weights()).hasSize(1);
    TrainingJob lora = job(plan, "lora");
    assertThat(lora.train().weights()).isEmpty();
    assertThat(lora.lora().rank()).isEqualTo(4);
    assertThat(lora.output().folder()).isEqualTo(folder.resolve("run"));
    assertThat(lora.sample().steps()).contains(3);
  }

  private TrainingJob job(Plan plan, String arm) {
    return ArmJob.of(plan, arm)
        .at(folder, folder, folder, folder.resolve("run"))
        .to(5, 1)
        .generating(folder.resolve("prompts.txt"), plan.quality())
        .write(folder.resolve("job.yaml"));
  }

  @Test
  void faults_nameTheirKey() {
    assertRefused("seeds: 2", "seeds: 2\nseedz: 3", "seedz: no plan has this key");
    assertRefused("points: 3}", "points: 3, pints: 1}", "budget.pints: no plan has this key");
    assertRefused("seeds: 2", "seeds: two", "seeds: ");
    assertRefused("arms:\n", "arms:\n  other:\n", "arms.other: expected keys such as 'job:'");
    assertRefused("seeds: 2", "seeds: 0", "seeds: expected 1 to 1000, found 0");
    assertRefused("steps: 8, points: 3", "steps: 3, points: 3", "steps: expected at least 4");
    assertRefused("{against: vanilla, paper", "{against: vanila, paper", "arms.phased.against");
    assertRefused("template: wan-tiny, ", "", "either 'path' or 'template'");
    assertRefused("budget: {steps: 8, points: 3}\n", "", "budget: expected it");
    assertRefused("phased:", "Phased Arm:", "expected a name of small letters");
    assertRefused("title: A test", "title: [", "plan.yaml");
    assertRefused("seeds: 2", "seeds: 2\nseeds: 3", "duplicate key seeds");
    assertRefused("clips: 12", "clips: 0", "clips: expected 1 to");
    assertRefused(
        "seed: 0}",
        "seed: 0, words: {colour: [red, pink]}}",
        "data.shapes.words.colour[1]: expected one of [red, yellow, ");
    assertRefused(
        "seeds: 2",
        "seeds: 2\nspeed: {sizes: {flux: 8x8x8}, steps: 3, rounds: 1}",
        "speed.sizes: ");
    assertRefused(
        "seeds: 2", "seeds: 2\nspeed: {sizes: {wan: 8x8}, steps: 3, rounds: 1}", "832x480x81");
    assertRefused(
        "{template: wan-tiny, vanilla_steps: 3}",
        "{path: wan, data: {path: clips}}",
        "data: goes with 'template'");
  }

  @Test
  void whatTheExperimentDecides_isNotTheArmsToSay() throws IOException {
    Plan steps = plan(PLAN.replace("{stages: {count: 1}}", "{train: {steps: 3}}"));
    assertThatThrownBy(() -> ArmJob.of(steps, "vanilla"))
        .hasMessage("arms.vanilla.job.train.steps: the experiment says it; leave it out");
    Plan sample = plan(PLAN.replace("base:", "base:\n  sample: {every: 3}"));
    assertThatThrownBy(() -> ArmJob.of(sample, "vanilla")).hasMessageContaining("base.sample");
    Plan decay = plan(PLAN.replace("batch_size: 2", "batch_size: 2, decay: cosine"));
    assertThatThrownBy(() -> job(decay, "vanilla")).hasMessageContaining("train.decay");
    Plan unknown = plan(PLAN.replace("batch_size: 2", "batch_sise: 2"));
    assertThatThrownBy(() -> job(unknown, "vanilla"))
        .hasMessageContaining("unknown key 'batch_sise' in train");
  }

  @TestFactory
  Stream<DynamicTest> readyPlans_areJobs() {
    return PlanFile.names().stream()
        .map(name -> DynamicTest.dynamicTest(name, () -> assertReady(name)));
  }

  @Test
  void whatAnArmTakesAway_isGoneInReadyPlansToo() throws IOException {
    Plan plan = PlanFile.ready("training-speed.hours").plan();
    assertThat(job(plan, "phased-aligned").train().settings().descent().mean()).isPresent();
    assertThat(job(plan, "phased-last-weights").train().settings().descent().mean()).isEmpty();
  }

  private void assertReady(String name) throws IOException {
    Plan plan = PlanFile.ready(name).plan();
    assertThat(plan(PlanFile.text(name))).isEqualTo(plan);
    for (String arm : plan.arms().keySet()) {
      assertThat(job(plan, arm)).isNotNull();
    }
    assertThat(plan.arms().values().stream().filter(arm -> arm.against().isPresent())).isNotEmpty();
  }

  /** So it may be run into the other's folder, where that arm is trained already. */
  @Test
  void optionsOfTrainingSpeed_areHeldAgainstItsOwnVanilla() {
    for (String size : List.of("minutes", "hours", "gpu-days")) {
      Plan speed = PlanFile.ready("training-speed." + size).plan();
      Plan options = PlanFile.ready("training-speed-options." + size).plan();
      assertThat(options.starts()).isEqualTo(speed.starts());
      assertThat(vanilla(options)).isEqualTo(vanilla(speed));
    }
  }

  private static ArmPlan vanilla(Plan plan) {
    return ArmPlan.of(plan, plan.starts().values().iterator().next(), "vanilla");
  }

  @Test
  void aBudget_mayBeRaised_asLongAsPointsStayWhereTheyAre() throws IOException {
    Path file = folder.resolve("arm.json");
    ExperimentFolder.write(file, vanilla(plan(PLAN)));
    Plan raised = plan(PLAN.replace("steps: 8, points: 3", "steps: 32, points: 5"));
    assertThat(raised.shares().subList(0, 3).stream().map(share -> 32 * share))
        .containsExactlyElementsOf(plan(PLAN).shares().stream().map(share -> 8 * share).toList());
    vanilla(raised).requireAsBefore(file, "plan");
    vanilla(plan(PLAN.replace("steps: 8, points: 3", "steps: 4, points: 2")))
        .requireAsBefore(file, "plan");

    Plan moved = plan(PLAN.replace("steps: 8, points: 3", "steps: 16, points: 3"));
    assertThatThrownBy(() -> vanilla(moved).requireAsBefore(file, "plan"))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            file
                + ": budget: expected points at those of 8 steps and 3 points, which are there,"
                + " found 16 and 3; raise it by twice the steps for each point more");
    Plan other = plan(PLAN.replace("batch_size: 2", "batch_size: 3"));
    assertThatThrownBy(() -> vanilla(other).requireAsBefore(file, "plan"))
        .hasMessageContaining("expected the arm of plan, found another");
  }

  /** What the first version wrote of an arm is one of today's. */
  @Test
  void anArmOfBefore_isWhatItWas() throws IOException {
    Path file = folder.resolve("arm.json");
    ArmPlan now = vanilla(plan(PLAN));
    String before =
        ExperimentFolder.json(now)
            .replaceFirst("(?s),\\s+\"words\" : \\{.*?\\}(?=\\s+\\})", "")
            .replaceFirst("(?s),\\s+\"data\" : null(?=\\s+\\})", "");
    assertThat(before).doesNotContain("words", "\"data\" : null");
    Files.writeString(file, before);
    now.requireAsBefore(file, "plan");
  }

  @Test
  void aNameThatIsNone_isRefused() {
    assertThatThrownBy(() -> PlanFile.ready("training-sped.minutes"))
        .hasMessageContaining("did you mean training-speed.minutes?");
    assertThat(PlanFile.names())
        .containsAll(List.of("paper-table-3.hours", "paper-table-2.minutes"));
  }
}
