package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.video.VideoClip;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A job over space, whose positions are left open, from its dry run to the run that goes on. */
final class PositionsTrainingTest {
  @TempDir private Path folder;

  @Test
  void positionsLeftOpen_areProbedOnce_andKept() throws Exception {
    assertThat(Invocation.of("new-checkpoint", "wan-tiny", folder.resolve("model")).exitCode())
        .isZero();
    Files.createDirectory(folder.resolve("clips"));
    for (int i = 0; i < 2; i++) {
      float[] data = new float[3 * 9 * 64 * 64];
      for (int j = 0; j < data.length; j++) {
        data[j] = (float) Math.sin(0.003 * j * (i + 1));
      }
      VideoWriter.write(folder.resolve("clips/" + i + ".mp4"), new VideoClip(data, 9, 64, 64, 8));
      Files.writeString(folder.resolve("clips/" + i + ".txt"), "waves");
    }
    Path job = folder.resolve("job.yaml");
    String text =
        """
        model: {path: model}
        data: {path: clips, sizes: [64x64x9], fps: 8}
        stages: {rates: [[2, 2, 2]]}
        lora: {rank: 2}
        train: {steps: 1, decay: constant}
        output: {folder: out}
        """;
    Files.writeString(job, text);
    var dry = train(job, "--dry-run");
    assertThat(dry.out()).contains("positions are left open: before the first step, a probe of 4");
    assertThat(folder.resolve("out")).doesNotExist();
    var first = train(job);
    String said = line(first, "positions ");
    assertThat(said).contains(", the least loss before training: scaled ");
    assertThat(first.err()).contains("probing");
    String chosen = said.substring("positions ".length(), said.indexOf(", the least"));
    Files.writeString(job, text.replace("steps: 1", "steps: 2"));
    var resumed = train(job, "--resume");
    assertThat(line(resumed, "positions "))
        .isEqualTo("positions " + chosen + ", as this run began");
    assertThat(resumed.err()).doesNotContain("probing");
    assertThat(resumed.out()).contains("finished at step 2");
    var inspected =
        Invocation.of("inspect", folder.resolve("out/pytorch_lora_weights.safetensors"));
    assertThat(inspected.out()).contains("positions " + chosen);
  }

  private static Invocation train(Path job, String... more) {
    var words = new ArrayList<Object>(List.of("train", job, "--device", "cpu"));
    words.addAll(List.of(more));
    var run = Invocation.of(words.toArray());
    assertThat(run.exitCode()).as(run.err()).isZero();
    return run;
  }

  private static String line(Invocation run, String prefix) {
    return run.out().lines().filter(l -> l.startsWith(prefix)).findFirst().orElseThrow();
  }
}
