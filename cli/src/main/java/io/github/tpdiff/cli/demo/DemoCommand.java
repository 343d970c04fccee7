package io.github.tpdiff.cli.demo;

import io.github.tpdiff.cli.ExitCode;
import io.github.tpdiff.cli.StageInspection;
import io.github.tpdiff.cli.StageOptions;
import io.github.tpdiff.lora.LoraModels;
import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.media.ContactSheet;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.ExportRequest;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.lora.LoraFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The whole journey on a tiny checkpoint that it makes itself. */
@Command(
    name = "demo",
    description = {
      "The whole journey on a tiny checkpoint and clips that it makes itself: train, export,"
          + " staged and vanilla inference, an HTML report with pictures.",
      "Needs no network and a few minutes.",
      "",
      "The LoRA is trained in three stages over time, unless options say others; positions over space"
          + " that they leave open are those that the vanilla network predicts best with. Where stages"
          + " are said, some clips are held out, and the loss on them is told by stage."
    },
    footer = {
      "  tpdiff demo",
      "  tpdiff demo --family animatediff --out demo-animatediff",
      "  tpdiff demo --template wan22-5b-tiny --out demo-pictures",
      "  tpdiff demo --rates 2x2x2,2x2x2 --out demo-space"
    })
final class DemoCommand implements Callable<Integer> {
  private static final int CHAPTERS = 6;
  private static final String TINY = "-tiny";

  @Spec private CommandSpec spec;

  @Option(
      names = "--out",
      defaultValue = "demo",
      description = "Folder for everything it makes (default ${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = "--family",
      defaultValue = "wan",
      description = "Model family with a tiny template (default ${DEFAULT-VALUE}).")
  private String family;

  @Option(
      names = "--template",
      paramLabel = "NAME",
      description =
          "Tiny checkpoint, of new-checkpoint's names: wan-i2v-tiny and wan22-5b-tiny animate a"
              + " picture (default: the family's own).")
  private Optional<String> template = Optional.empty();

  @Mixin private StageOptions stages = new StageOptions();

  @Option(
      names = "--validation",
      paramLabel = "SHARE",
      description =
          "Share of the clips that is held out, in [0, 1); the loss on them is told by stage"
              + " (default: 0.125 where stages are asked for, else 0).")
  private Optional<Double> validation = Optional.empty();

  @Option(names = "--brief", description = "In seconds, to see that it works; nothing is learned.")
  private boolean brief;

  private final List<Chapter> chapters = new ArrayList<>();
  private long began;

  /** A part of the journey and how long it took. */
  record Chapter(String title, double seconds) {}

  @Override
  public Integer call() throws IOException {
    String name = template.orElse(family + TINY);
    ModelFamily models = requireFamily(name);
    DemoStages stages = stages();
    stages.config(FrameResampling.groupedFirstFrame()); // refused before anything is made
    double heldOut = validation.orElse(stages.areSaid() ? 0.125 : 0);
    if (!(heldOut >= 0 && heldOut < 1)) {
      throw new IllegalArgumentException("--validation: in [0, 1), found " + heldOut);
    }
    DemoFolder folder = DemoFolder.fresh(out);
    try (TorchEngine torch = TorchEngine.best()) {
      begin("making the checkpoint " + name);
      DemoSize size = makeCheckpoint(models, name, folder);
      var clips =
          new RenderedClips(
              size.video().width(),
              size.video().height(),
              size.video().frames(),
              size.video().fps());
      begin("rendering clips");
      clips.write(folder.clips());
      var results = new DemoReport.Results();
      train(torch, new DemoTraining.Order(folder, size, stages.section(), heldOut), results);
      infer(models, torch, new Setting(folder, size, clips), results);
      begin("writing the report");
      writeSheet(folder, clips, results.takes);
      end();
      results.chapters.addAll(chapters);
      new DemoReport(folder, results).write();
      printLosses(results);
    }
    PrintWriter lines = lines();
    lines.printf(
        Locale.ROOT,
        "done in %.0f s: open %s%n",
        chapters.stream().mapToDouble(Chapter::seconds).sum(),
        folder.report());
    lines.flush();
    return ExitCode.DONE;
  }

  private DemoStages stages() {
    return new DemoStages(stages.choice());
  }

  private void printLosses(DemoReport.Results results) {
    if (results.heldOut.isEmpty()) {
      return;
    }
    lines().println("loss on clips held out           stage  before   after");
    for (HeldOutLoss loss : results.heldOut) {
      loss.after()
          .forEach(
              (stage, after) ->
                  lines()
                      .printf(
                          Locale.ROOT,
                          "%-32s %5d  %.4f  %.4f%n",
                          loss.of(),
                          stage,
                          loss.before().getOrDefault(stage, Double.NaN),
                          after));
    }
  }

  /** Writes the checkpoint; how much to do with it is its own to limit. */
  private DemoSize makeCheckpoint(ModelFamily models, String name, DemoFolder folder) {
    CheckpointTemplate made = Objects.requireNonNull(models.templates().get(name));
    made.write(
        new CheckpointTemplate.Order(
            folder.checkpoint(), DType.F32, made.components(), (bytes, total) -> {}));
    try (VideoModel model = models.open(folder.checkpoint())) {
      int denoisers = model.description().flow().denoisers().size();
      if (denoisers > 1) {
        throw new IllegalArgumentException(
            "--template: the demo trains one denoiser, %s has %d".formatted(name, denoisers));
      }
      ModelDescription description = model.description();
      StageConfig config = stages().config(description.latents().resampling());
      return brief ? DemoSize.brief(description, config) : DemoSize.full(description, config);
    }
  }

  private record Setting(DemoFolder folder, DemoSize size, RenderedClips clips) {}

  private void train(TorchEngine torch, DemoTraining.Order order, DemoReport.Results results)
      throws IOException {
    var training = new DemoTraining(order, torch, lines());
    begin("pretraining the vanilla denoiser");
    DemoTraining.Outcome vanilla = training.pretrain();
    begin("training the LoRA with phased diffusion");
    DemoTraining.Outcome phased = training.trainLora();
    results.pretraining = vanilla.curve();
    results.lora = phased.curve();
    vanilla.heldOut().ifPresent(results.heldOut::add);
    phased.heldOut().ifPresent(results.heldOut::add);
  }

  private void infer(
      ModelFamily models, TorchEngine torch, Setting setting, DemoReport.Results results)
      throws IOException {
    DemoFolder folder = setting.folder();
    List<String> captions = captions(setting);
    begin("exporting to ONNX, generating on both engines");
    try (VideoModel base = models.open(folder.checkpoint());
        OnnxEngine onnx = OnnxEngine.on(OnnxDevice.AUTO)) {
      boolean ofPictures = !base.description().flow().conditions(true).isEmpty();
      results.picturesGiven = ofPictures;
      var inference =
          new DemoInference(
              captions,
              ofPictures ? Optional.of(setting.clips()) : Optional.empty(),
              setting.size(),
              stages().sampling(),
              folder,
              lines());
      VideoModel tuned = LoraModels.merged(base, LoraFile.read(folder.lora()).weights(), 1);
      tuned
          .trainedStages()
          .map(StageInspection::fields)
          .map(StageInspection::line)
          .ifPresent(line -> results.stages = line);
      for (Engine engine : List.of(torch, onnx)) {
        results.engines.add(engine.description());
      }
      results.takes.addAll(
          inference.generate(Take.Way.VANILLA_TORCH, PipelineParts.of(base, torch)));
      results.takes.addAll(
          inference.generate(Take.Way.STAGED_TORCH, PipelineParts.of(tuned, torch)));
      ExportedFolder.write(base, folder.export("vanilla"), ExportRequest.asTrained());
      ExportedFolder.write(tuned, folder.export("staged"), ExportRequest.asTrained());
      try (var exported = ExportedFolder.open(folder.export("vanilla"), onnx)) {
        results.takes.addAll(inference.generate(Take.Way.VANILLA_ONNX, exported));
      }
      try (var exported = ExportedFolder.open(folder.export("staged"), onnx)) {
        results.takes.addAll(inference.generate(Take.Way.STAGED_ONNX, exported));
      }
    }
  }

  /** Captions of different colours and directions. */
  private static List<String> captions(Setting setting) {
    List<String> all = setting.clips().captions();
    var chosen = new ArrayList<String>();
    for (int i = 0; i < setting.size().prompts(); i++) {
      chosen.add(all.get(i * 5 % all.size()));
    }
    return chosen;
  }

  private static void writeSheet(DemoFolder folder, RenderedClips clips, List<Take> takes)
      throws IOException {
    var sheet = new ContactSheet(9);
    for (String caption : takes.stream().map(Take::caption).distinct().toList()) {
      sheet.add(clips.clip(clips.captions().indexOf(caption)));
      takes.stream()
          .filter(take -> take.caption().equals(caption))
          .forEach(t -> sheet.add(t.clip()));
    }
    sheet.write(folder.contactSheet());
  }

  private ModelFamily requireFamily(String name) {
    Map<String, ModelFamily> able = new TreeMap<>();
    for (ModelFamily made : ModelFamily.all()) {
      made.templates().keySet().stream()
          .filter(tiny -> tiny.endsWith(TINY))
          .forEach(tiny -> able.put(tiny, made));
    }
    return Optional.ofNullable(able.get(name))
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    template.isPresent()
                        ? "--template: expected one of %s, found %s".formatted(able.keySet(), name)
                        : "--family: expected one with a template such as %s, found %s"
                            .formatted(able.keySet(), family)));
  }

  private PrintWriter lines() {
    return spec.commandLine().getOut();
  }

  private void begin(String title) {
    end();
    chapters.add(new Chapter(title, 0));
    began = System.nanoTime();
    lines().printf("[%d/%d] %s%n", chapters.size(), CHAPTERS, title);
    lines().flush();
  }

  private void end() {
    if (!chapters.isEmpty()) {
      int last = chapters.size() - 1;
      chapters.set(
          last, new Chapter(chapters.get(last).title(), (System.nanoTime() - began) * 1e-9));
    }
  }
}
