package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.media.VideoReader;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.lora.LoraFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** miniFLUX as a user has it: two tokenizers, two encoders, double and single blocks. */
final class MiniFluxJourneyTest {
  private static final int FRAMES = 33;

  @TempDir private Path folder;

  private Invocation run(Object... arguments) {
    var run = Invocation.of(arguments);
    assertThat(run.exitCode()).as(run.err()).isZero();
    return run;
  }

  private Path checkpoint() {
    Path model = folder.resolve("miniflux");
    run("new-checkpoint", "miniflux-tiny", model);
    return model;
  }

  private void writeClips() throws IOException {
    Files.createDirectory(folder.resolve("clips"));
    int plane = 32 * 32;
    for (int clip = 0; clip < 2; clip++) {
      float[] data = new float[3 * FRAMES * plane];
      for (int i = 0; i < data.length; i++) {
        data[i] = (float) Math.sin(i / plane / FRAMES + clip + 0.1 * (i / plane % FRAMES));
      }
      VideoWriter.write(
          folder.resolve("clips/" + clip + ".mp4"), new VideoClip(data, FRAMES, 32, 32, 24));
      Files.writeString(folder.resolve("clips/" + clip + ".txt"), "waves, number " + clip);
    }
  }

  @Test
  void checkpoint_isTrainedExportedAndRun() throws IOException {
    Path model = checkpoint();
    writeClips();
    Path job = folder.resolve("job.yaml");
    Files.writeString(
        job,
        """
        model: {path: miniflux}
        data: {path: clips, sizes: [32x32x33]}
        stages: {count: 3}
        lora: {rank: 2, targets: [to_q, add_q_proj, to_add_out, proj_mlp, '**.ff.net.2', \
        'single_transformer_blocks.*.proj_out']}
        train: {steps: 2, batch_size: 2}
        sample: {prompts: [waves], every: 2, steps: 3}
        output: {folder: trained}
        """);
    run("train", job, "--device", "cpu");
    assertThat(VideoReader.probe(folder.resolve("trained/samples/step-00000002-0.mp4")).frames())
        .isEqualTo(FRAMES);
    assertThat(folder.resolve("trained/report.html"))
        .content()
        .contains(
            "finished: step 2 of 2", "samples/step-00000002-0.mp4", "2 clips of 2 of 2 videos");
    Path lora = folder.resolve("trained/pytorch_lora_weights.safetensors");
    assertThat(run("lora", "info", lora).out())
        // 2 double blocks of 4 layers, 2 single ones of 3.
        .containsPattern("modules +14\\R");
    String plan =
        LoraFile.read(lora).weights().metadata().getOrDefault(RecordJson.STAGES_HEADER, "");
    assertThat(RecordJson.STAGES.parse(plan, "LoRA").targetScale()).isEqualTo(TargetScale.STAGE);
    Path peft = folder.resolve("peft");
    run("lora", "convert", lora, peft, "--format", "peft");
    assertThat(run("lora", "info", peft).out()).containsPattern("modules +14\\R");

    Path generated = folder.resolve("generated.mp4");
    run("generate", model, "--lora", lora, "--prompt", "a", "--steps", 3, "-o", generated);
    Path exported = folder.resolve("exported");
    var export = run("export", model, exported, "--lora", lora, "--stages", 3, "--check");
    assertThat(export.out().lines().filter(line -> line.startsWith("ok")))
        .hasSize(8)
        .anyMatch(line -> line.contains("transformer, stage 2 of 3 frames"));
    Path video = folder.resolve("run.mp4");
    run("run", exported, "--prompt", "a", "--steps", 3, "-o", video);
    float[] one = VideoReader.readAll(generated).data();
    float[] other = VideoReader.readAll(video).data();
    assertThat(other).hasSameSizeAs(one);
    // Both files are coded with loss, from frames of which rounding moves some by a level of 127.
    assertThat(meanDifference(one, other)).isLessThan(1 / 127.0);
  }

  private static double meanDifference(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += Math.abs(a[i] - b[i]);
    }
    return sum / a.length;
  }

  @Test
  void inspect_saysFamilyPartsSettingsAndUses() {
    assertThat(run("inspect", checkpoint()).out())
        .containsPattern("family +miniflux")
        .contains("text encoder 2", "384p, 768p, image", "full, causal")
        .contains("tpdiff generate", "tpdiff export", "tpdiff train");
  }

  /** Sixteen latent frames, the published length, do not halve twice beside a shared first one. */
  @Test
  void framesThatDoNotFitThreeStages_nameTheNearestThatDo() {
    Path model = checkpoint();
    var refused = Invocation.of("generate", model, "--prompt", "a", "--frames", 121, "--stages", 3);
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err()).contains("121", "97 and 129").hasLineCount(1);
    var between = Invocation.of("generate", model, "--prompt", "a", "--frames", 16);
    assertThat(between.exitCode()).isEqualTo(2);
    assertThat(between.err()).contains("16", "9 and 17").hasLineCount(1);
  }
}
