package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.media.PictureReader;
import io.github.tpdiff.runtime.media.VideoReader;
import io.github.tpdiff.runtime.model.RecordJson;
import io.github.tpdiff.runtime.picture.RgbPicture;
import io.github.tpdiff.runtime.video.VideoFrame;
import io.github.tpdiff.weights.lora.LoraFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoTest {
  @TempDir private Path folder;

  @Test
  void briefDemo_goesTheWholeWay() throws Exception {
    Path out = folder.resolve("demo");
    var run = Invocation.of("demo", "--brief", "--out", out);
    assertThat(run.exitCode()).as(run.err()).isZero();

    assertThat(VideoReader.probe(out.resolve("clips/07.mp4")).frames()).isEqualTo(17);
    assertThat(Files.readString(out.resolve("clips/07.txt"))).contains("rises");
    var lora = LoraFile.read(out.resolve("lora/pytorch_lora_weights.safetensors")).weights();
    assertThat(
            RecordJson.STAGES
                .parse(lora.metadata().getOrDefault("tpdiff.stage_plan", ""), "LoRA")
                .rates())
        .isEqualTo(GridFactor.ofTimes(2, 2));
    assertThat(out.resolve("export-staged/transformer/model.onnx")).exists();
    // What the demo trained are jobs like any other, resumed like any other.
    assertThat(out.resolve("pretraining/trained_weights.safetensors")).exists();
    var again = Invocation.of("train", out.resolve("lora.yaml"), "--resume");
    assertThat(again.exitCode()).as(again.err()).isZero();
    assertThat(again.out()).contains("going on from", "finished at step 2");
    for (String name :
        new String[] {"vanilla-torch", "staged-torch", "vanilla-onnx", "staged-onnx"}) {
      assertThat(VideoReader.probe(out.resolve("videos/00-" + name + ".mp4")).frames())
          .isEqualTo(17);
    }
    assertThat(Invocation.of("inspect", out.resolve("export-staged")).out())
        .contains("export", "transformer/model.onnx", "vae_decoder/first.onnx");
    assertThat(Invocation.of("inspect", out.resolve("cache")).out())
        .contains("cache", "8 of [1, 12, 5, 4, 6]");

    String report = Files.readString(out.resolve("report.html"));
    assertThat(report).doesNotContain("src=\"http").doesNotContain("href=");
    assertThat(report.split("data:video/mp4;base64", -1)).hasSize(1 + 4);
    // The contact sheet; the curves of both trainings are drawn in the page itself.
    assertThat(report.split("data:image/png;base64", -1)).hasSize(1 + 1);
    assertThat(report.split("<figure class=\"chart\">", -1)).hasSize(1 + 2);
  }

  /** Pictures one by one, noise prediction, a convolutional network in two files. */
  @Test
  void briefDemo_goesTheSameWayWithAnotherFamily() throws Exception {
    Path out = folder.resolve("demo");
    var run = Invocation.of("demo", "--brief", "--family", "animatediff", "--out", out);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(out.resolve("export-staged/unet/model.onnx")).exists();
    assertThat(VideoReader.probe(out.resolve("videos/00-staged-onnx.mp4")).frames()).isEqualTo(16);
    var lora = LoraFile.read(out.resolve("lora/pytorch_lora_weights.safetensors")).weights();
    assertThat(lora.component()).isEqualTo("unet");
    assertThat(lora.pairs().keySet()).allMatch(module -> module.contains("motion_modules"));
    assertThat(Invocation.of("inspect", out.resolve("cache")).out())
        .contains("cache", "8 of [1, 4, 16, 4, 6]");
  }

  /** Untrained, the network makes noise of every frame but the one that is given. */
  @Test
  void briefDemo_beginsWithAGivenPicture() throws Exception {
    Path out = folder.resolve("demo");
    var run = Invocation.of("demo", "--brief", "--template", "wan22-5b-tiny", "--out", out);
    assertThat(run.exitCode()).as(run.err()).isZero();
    RgbPicture given = new PictureReader().load(out.resolve("pictures/00.png"));
    for (String way : new String[] {"staged-torch", "staged-onnx"}) {
      var video = VideoReader.readAll(out.resolve("videos/00-" + way + ".mp4"));
      double first = apart(given, video.frame(0));
      assertThat(first).as(way).isLessThan(apart(given, video.frame(16)) / 2);
    }
    assertThat(Files.readString(out.resolve("report.html"))).contains("Each begins with a given");
  }

  private static double apart(RgbPicture picture, VideoFrame frame) {
    double sum = 0;
    int plane = picture.size().pixels();
    for (int i = 0; i < 3 * plane; i++) {
      double level = (picture.rgb()[i] & 0xff) / 127.5 - 1;
      sum += Math.abs(level - frame.data()[i % 3 * plane + i / 3]);
    }
    return sum / (3 * plane);
  }

  /** Three grids: a quarter, half and all of the rows and columns. */
  @Test
  void briefDemoOfStagesOverSpace_choosesASizeThatDivides_andTellsTheLossOfEveryStage()
      throws Exception {
    Path out = folder.resolve("demo");
    var run =
        Invocation.of(
            "demo",
            "--brief",
            "--rates=2x2x2,2x2x2",
            "--targets=pixel",
            "--positions=scaled,native,native",
            "--split=2-2-1",
            "--out",
            out);
    assertThat(run.exitCode()).as(run.err()).isZero();
    var video = VideoReader.readAll(out.resolve("videos/00-staged-onnx.mp4")).format();
    assertThat(List.of(video.width(), video.height())).containsExactly(64, 64);
    var lora = LoraFile.read(out.resolve("lora/pytorch_lora_weights.safetensors")).weights();
    var stages =
        RecordJson.STAGES.parse(lora.metadata().getOrDefault("tpdiff.stage_plan", ""), "LoRA");
    assertThat(stages.rates()).containsExactly(GridFactor.cube(2), GridFactor.cube(2));
    assertThat(stages.targets()).isEqualTo(StageConfig.Targets.PIXEL);
    assertThat(stages.positions()).hasToString("[scaled, native, native]");
    // One of eight clips is held out: the loss before and after, of vanilla and of each stage.
    List<String> log = Files.readAllLines(out.resolve("lora/log.csv"));
    String told = run.out();
    assertThat(told).containsPattern("vanilla pretraining, all weights +1  [0-9.]+  [0-9.]+\n");
    for (int stage = 3; stage >= 1; stage--) {
      int column = List.of(log.get(0).split(",", -1)).indexOf("validation_stage_" + stage);
      assertThat(told)
          .contains(
              String.format(
                  Locale.ROOT,
                  "phased LoRA training                 %d  %.4f  %.4f%n",
                  stage,
                  Double.valueOf(log.get(1).split(",", -1)[column]),
                  Double.valueOf(log.get(3).split(",", -1)[column])));
    }
    assertThat(Files.readString(out.resolve("report.html")))
        .contains(
            "Stages: 3, each at [2, 2, 2], [2, 2, 2] times the frames, rows and columns",
            "<h2>Loss on clips that were held out</h2>",
            "<td>[2, 2, 2]</td>");
  }

  @Test
  void stagesThatDoNotGoTogether_areRefusedBeforeAnythingIsMade() {
    Path out = folder.resolve("x");
    var run = Invocation.of("demo", "--brief", "--rates=2,2", "--split=2-1", "--out", out);
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("stages.step_split: expected 3 values").hasLineCount(1);
    var held = Invocation.of("demo", "--brief", "--validation=1", "--out", out);
    assertThat(held.err()).contains("--validation: in [0, 1), found 1.0").hasLineCount(1);
    assertThat(out).doesNotExist();
  }

  @Test
  void familyWithoutATinySize_isRefusedUnderTheOptionThatWasGiven() {
    var run = Invocation.of("demo", "--family", "flux", "--out", folder.resolve("x"));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("--family: expected", "wan-tiny", "found flux");
  }

  @Test
  void demo_intoAFolderOfOthers_deletesNothing() throws Exception {
    Path other = Files.writeString(folder.resolve("thesis.txt"), "precious");
    var run = Invocation.of("demo", "--brief", "--out", folder);
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains(folder.toString());
    assertThat(other).hasContent("precious");
  }
}
