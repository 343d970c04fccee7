package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.job.TrainingJob.Data;
import io.github.tpdiff.lora.job.TrainingJob.Lora;
import io.github.tpdiff.lora.job.TrainingJob.Model;
import io.github.tpdiff.lora.job.TrainingJob.Output;
import io.github.tpdiff.lora.job.TrainingJob.Sample;
import io.github.tpdiff.lora.job.TrainingJob.Stages;
import io.github.tpdiff.lora.job.TrainingJob.Train;
import io.github.tpdiff.runtime.model.ModelRequest;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Makes a job of a file's sections; what they leave open has the default that trainers use.
 *
 * <p>To add a key, read it here: type, default and meaning stand in the call, and the check for
 * misspelt keys, {@code tpdiff job-keys} and {@code docs/job.md} follow. Every key is asked for in
 * every job.
 */
final class TrainingJobReader {
  static final String CHECKPOINTS_OWN = "the checkpoint's own";
  static final JobType<List<Double>> NUMBERS = JobType.list("numbers", JobType.NUMBER);

  private TrainingJobReader() {}

  static TrainingJob read(Path file, JobSection root) {
    Model model =
        model(root.section("model", "The checkpoint that is trained; it is not changed."));
    Data data = DataReader.read(root.section("data", "Videos and pictures with their captions."));
    Stages stages =
        StagesReader.read(
            root.section(
                "stages",
                "The pyramid over time, rows and columns. Lists begin with the coarsest stage."));
    Lora lora =
        LoraReader.read(
            root.section("lora", "Which linear layers and convolutions gain a change."));
    Train train = TrainReader.read(root.section("train", "How training goes."));
    if (!train.weights().isEmpty() && root.has("lora")) {
      throw new IllegalArgumentException(
          "train.weights trains tensors in full: leave out the section 'lora' or train.weights");
    }
    Sample sample =
        SampleReader.read(
            root.section("sample", "Videos made on the way, in `samples` of the output folder."));
    Output output = OutputReader.read(root.section("output", "What is written where."));
    if (!train.weights().isEmpty() && output.formats().size() > 1) {
      throw new IllegalArgumentException(
          "output.formats: train.weights gives tensors in full, which have no form of a LoRA");
    }
    return new TrainingJob(file, model, data, stages, lora, train, sample, output);
  }

  private static Model model(JobSection s) {
    Path path =
        s.resolve(
            s.require(
                "path",
                JobType.path("the checkpoint's folder"),
                "The checkpoint: a folder as it is published, or a file of several networks."));
    var parts = new LinkedHashMap<String, Path>();
    s.find(
            "parts",
            JobType.byName("names with paths", JobType.path("a path")),
            "none",
            "Parts of the checkpoint that lie elsewhere, such as `{motion_adapter: mm.ckpt}`.")
        .orElse(Map.of())
        .forEach((name, part) -> parts.put(name, s.resolve(part)));
    Map<String, String> settings =
        s.find(
                "settings",
                JobType.byName("names with texts", JobType.TEXT),
                "the family's defaults",
                "Choices that the checkpoint's family leaves to the user; `tpdiff inspect` lists"
                    + " them.")
            .orElse(Map.of());
    Optional<String> scheduler =
        s.find(
            "scheduler",
            JobType.TEXT,
            CHECKPOINTS_OWN,
            "The noise schedule that is trained; `tpdiff inspect` lists the names.");
    Optional<String> denoiser =
        s.find(
            "denoiser",
            JobType.TEXT,
            "both; nothing where the model has one",
            "Of a model with two denoisers, the one that is trained at its own times: high_noise,"
                + " low_noise, or both, one after the other, each in a folder of its own in"
                + " output.folder.");
    return new Model(new ModelRequest(path, parts, settings), scheduler, denoiser);
  }
}
