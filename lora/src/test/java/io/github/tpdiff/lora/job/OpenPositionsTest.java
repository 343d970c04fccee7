package io.github.tpdiff.lora.job;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.lora.data.CachedSet;
import io.github.tpdiff.lora.data.ModelEncoders;
import io.github.tpdiff.lora.train.Trainer;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.lora.LoraFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class OpenPositionsTest {
  private static final String CUBES = "stages: {rates: [[2, 2, 2]]}\n";
  private static final PositionRules NATIVE = PositionRules.all(PositionRule.NATIVE);

  @TempDir private Path folder;

  /** Asking it anything fails: nothing is probed. */
  private static final Engine UNASKED =
      new Engine() {
        @Override
        public String description() {
          throw new AssertionError();
        }

        @Override
        public Executable load(Program program, TensorSource weights) {
          throw new AssertionError("a probe");
        }

        @Override
        public void close() {}
      };

  @BeforeEach
  void writeClips() throws IOException {
    Files.createDirectory(folder.resolve("clips"));
    for (int i = 0; i < 3; i++) {
      float[] data = new float[3 * 9 * 64 * 64];
      for (int j = 0; j < data.length; j++) {
        data[j] = (float) Math.sin(0.003 * j * (i + 1));
      }
      VideoWriter.write(folder.resolve("clips/" + i + ".mp4"), new VideoClip(data, 9, 64, 64, 8));
      Files.writeString(folder.resolve("clips/" + i + ".txt"), "waves " + i);
    }
  }

  private VideoModel open(String template) {
    ModelFamily family =
        ModelFamily.all().stream()
            .filter(own -> own.templates().containsKey(template))
            .findFirst()
            .orElseThrow();
    CheckpointTemplate tiny = requireNonNull(family.templates().get(template));
    Path checkpoint = folder.resolve(template);
    tiny.write(
        new CheckpointTemplate.Order(
            checkpoint, DType.F32, tiny.defaultComponents(), (written, total) -> {}));
    return family.open(checkpoint);
  }

  private List<ResolvedJob> job(VideoModel model, String stages) throws IOException {
    return job("wan-tiny", model, stages);
  }

  private List<ResolvedJob> job(String template, VideoModel model, String stages)
      throws IOException {
    Path file = folder.resolve("job.yaml");
    Files.writeString(
        file,
        """
        model: {path: MODEL}
        data: {path: clips, sizes: [64x64x9], fps: 8}
        lora: {rank: 2}
        train: {steps: 1}
        output: {folder: out}
        """
                .replace("MODEL", template)
            + stages);
    return JobRuns.of(TrainingJob.read(file), model);
  }

  private static CachedSet clips(List<ResolvedJob> runs, VideoModel model, Engine engine) {
    return runs.get(0).prepare(new ModelEncoders(model, engine), (v, d, t) -> {}).clips();
  }

  private static OpenPositions decide(List<ResolvedJob> runs, CachedSet clips, Engine engine) {
    return OpenPositions.decide(runs, clips, engine, (done, total) -> {});
  }

  private static PositionRules positions(OpenPositions decided) {
    return decided.runs().get(0).diffusion().stages().positions();
  }

  @Test
  void positionsLeftOpen_areThoseOfTheLeastLoss_andSaidWhereverTheRunIsKept() throws IOException {
    try (VideoModel model = open("wan-tiny");
        var engine = TorchEngine.cpu()) {
      List<ResolvedJob> runs = job(model, CUBES);
      CachedSet clips = clips(runs, model, engine);
      OpenPositions decided = decide(runs, clips, engine);
      assertThat(positions(decided)).isEqualTo(leastOf(decided.words().orElseThrow()));
      assertThat(decide(runs, clips, engine)).isEqualTo(decided);
      ResolvedJob run = decided.runs().get(0);
      assertThat(JobSettings.of(run.filled()).identity())
          .containsEntry("stages.positions", positions(decided).toString());
      Trainer.train(run.run(clips, Start.FRESH), engine, new TrainingListener() {});
      assertThat(Files.readString(folder.resolve("out/job.yaml"))).contains("positions:");
      assertThat(TrainingJob.read(folder.resolve("out/job.yaml")).stages().positions())
          .contains(positions(decided));
      var lora = LoraFile.read(folder.resolve("out").resolve(ResolvedJob.LORA_FILE));
      String header = lora.weights().metadata().get(RecordJson.STAGES_HEADER);
      assertThat(RecordJson.STAGES.parse(requireNonNull(header), "header").positions())
          .isEqualTo(positions(decided));
    }
  }

  /** By the numbers in the line that users read. */
  private static PositionRules leastOf(String words) {
    assertThat(words).startsWith("positions ").contains("the least loss before training: ");
    Map<PositionRules, Double> sums = new HashMap<>();
    for (PositionRule time : PositionRule.values()) {
      for (PositionRule space : PositionRule.values()) {
        var rules = new PositionRules(time, space, space);
        var number =
            Pattern.compile(Pattern.quote(rules.toString()) + " (\\d+\\.\\d+)").matcher(words);
        if (number.find()) {
          sums.put(rules, Double.valueOf(number.group(1)));
        }
      }
    }
    assertThat(sums).hasSizeGreaterThanOrEqualTo(2);
    PositionRules chosen =
        sums.keySet().stream()
            .filter(rules -> words.startsWith("positions " + rules + ", "))
            .findFirst()
            .orElseThrow();
    assertThat(sums.get(chosen)).isEqualTo(sums.values().stream().min(Double::compare).get());
    return chosen;
  }

  @Test
  void runThatGoesOn_hasThePositionsItBeganWith_withoutAProbe() throws IOException {
    try (VideoModel model = open("wan-tiny");
        var engine = TorchEngine.cpu()) {
      List<ResolvedJob> said = job(model, "stages: {rates: [[2, 2, 2]], positions: native}\n");
      CachedSet clips = clips(said, model, engine);
      Trainer.train(said.get(0).run(clips, Start.FRESH), engine, new TrainingListener() {});
      OpenPositions decided = decide(job(model, CUBES), clips, UNASKED);
      assertThat(decided.words()).contains("positions native, as this run began");
      assertThat(positions(decided)).isEqualTo(NATIVE);
      Trainer.train(
          decided.runs().get(0).run(clips, Start.RESUME), engine, new TrainingListener() {});
      // Undecided, it would be another run.
      assertThatThrownBy(
              () ->
                  Trainer.train(
                      job(model, CUBES).get(0).run(clips, Start.RESUME),
                      engine,
                      new TrainingListener() {}))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("cannot go on with another stages.positions: it was native");
      Path state = folder.resolve("out/states/step-00000001/state.safetensors");
      byte[] bytes = Files.readAllBytes(state);
      bytes[bytes.length - 1] ^= 1;
      Files.write(state, bytes);
      assertThatThrownBy(() -> decide(job(model, CUBES), clips, UNASKED))
          .as("a damaged state says nothing")
          .hasMessageContaining("a probe");
    }
  }

  @Test
  void bothDenoisersOfAModel_areToldTheSame() throws IOException {
    try (VideoModel model = open("wan22-a14b-tiny");
        var engine = TorchEngine.cpu()) {
      List<ResolvedJob> runs = job("wan22-a14b-tiny", model, CUBES);
      assertThat(runs).hasSize(2);
      OpenPositions decided = decide(runs, clips(runs, model, engine), engine);
      PositionRules least = leastOf(decided.words().orElseThrow());
      assertThat(decided.runs())
          .extracting(run -> run.diffusion().stages().positions())
          .containsExactly(least, least);
    }
  }

  @Test
  void positionsThatAreSaidOrOfFramesAlone_areNotProbed() throws IOException {
    try (VideoModel model = open("wan-tiny");
        var engine = TorchEngine.cpu()) {
      CachedSet clips = clips(job(model, CUBES), model, engine);
      for (String stages :
          List.of(
              "stages: {rates: [2]}\n",
              "stages: {count: 1}\n",
              "stages: {rates: [[2, 2, 2]], positions: native}\n")) {
        List<ResolvedJob> runs = job(model, stages);
        OpenPositions decided = decide(runs, clips, UNASKED);
        assertThat(decided.runs()).isEqualTo(runs);
        assertThat(decided.words()).isEmpty();
        assertThat(notes(runs)).noneMatch(note -> note.contains("positions"));
      }
      assertThat(notes(job(model, CUBES)))
          .anyMatch(
              note ->
                  note.startsWith(
                      "positions are left open: before the first step, a probe of 4 clips chooses"
                          + " among scaled, [native, scaled, scaled]"));
    }
  }

  private static List<String> notes(List<ResolvedJob> runs) {
    var products = new Machine.Products(1e11, 1e10);
    return DryRun.of(runs.get(0), new Machine(products, products, 1e11, 1e10, 1e-5)).notes();
  }
}
