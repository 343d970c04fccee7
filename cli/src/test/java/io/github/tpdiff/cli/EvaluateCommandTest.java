package io.github.tpdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.runtime.media.VideoReader;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.text.ClipTokenizerWriter;
import io.github.tpdiff.runtime.text.HuggingFaceTokenizer;
import io.github.tpdiff.runtime.video.VideoClip;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The command from videos to figures, with small networks that torch 2.15 saved: {@code pool.pt}, a
 * clip's means over time and 2 x 2 cells; {@code image.onnx}, the means m of a picture's colours
 * times W, [4, 3] with (i / 10 − 0.5); {@code text.onnx}, of the sum s of the ids that the mask
 * leaves (1, s / 50000, −0.5, 0.25).
 */
final class EvaluateCommandTest {
  @TempDir Path folder;
  private Path generated;
  private Path real;
  private Path out;

  @BeforeEach
  void writeVideos() throws IOException {
    generated = Files.createDirectories(folder.resolve("generated"));
    real = Files.createDirectories(folder.resolve("real"));
    out = folder.resolve("out");
    for (int i = 0; i < 3; i++) {
      VideoWriter.write(generated.resolve("a wave-" + i + ".mp4"), waves(i));
      VideoWriter.write(real.resolve(i + ".mp4"), waves(i + 0.4));
    }
  }

  private static VideoClip waves(double phase) {
    var data = new float[3 * 8 * 32 * 32];
    for (int i = 0; i < data.length; i++) {
      int x = i % 32;
      int y = i / 32 % 32;
      int f = i / 1024 % 8;
      data[i] = (float) (0.8 * Math.sin(0.1 * x + 0.13 * y + 0.3 * f + phase * (1 + i / 8192)));
    }
    return new VideoClip(data, 8, 32, 32, 8);
  }

  private Path resource(String name) throws IOException {
    Path file = folder.resolve(name);
    try (InputStream stream = getClass().getResourceAsStream(name)) {
      Files.copy(stream, file);
    }
    return file;
  }

  private JsonNode json() throws IOException {
    return new ObjectMapper().readTree(out.resolve("evaluation.json").toFile());
  }

  @Test
  void withoutNetworks_measuresFlickering() throws IOException {
    Invocation run = Invocation.of("evaluate", generated, "-o", out);
    assertThat(run.exitCode()).as(run.err()).isZero();
    VideoClip clip = VideoReader.readAll(generated.resolve("a wave-0.mp4"));
    double sum = 0;
    int frame = 32 * 32;
    for (int i = 0; i < clip.data().length; i++) {
      if (i / frame % 8 > 0) {
        sum += Math.abs(clip.data()[i] - clip.data()[i - frame]) * 127.5;
      }
    }
    double expected = (255 - sum / (3 * 7 * frame)) / 255;
    assertThat(json().at("/sets/0/videos/0/values/temporal flickering").asDouble())
        .isCloseTo(expected, within(1e-6));
    assertThat(run.out()).contains("temporal flickering", "evaluation.html");
    assertThat(out.resolve("evaluation.html")).exists();
  }

  @Test
  void torchScriptFeatures_giveADistance() throws IOException {
    Invocation run =
        Invocation.of(
            "evaluate",
            generated,
            "--real",
            real,
            "--features",
            resource("pool.pt"),
            "--features-input",
            "resize=none,values=unit",
            "--window",
            4,
            "-o",
            out,
            "--device",
            "cpu");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(json().at("/distances/0/rows").toString()).isEqualTo("[6,6]");
    assertThat(json().at("/distances/0/dimensions").asInt()).isEqualTo(12);
    assertThat(json().at("/distances/0/mean_term").asDouble()).isCloseTo(meanTerm(), within(1e-6));
    assertThat(run.out())
        .contains("Fréchet distance of pool.pt")
        .contains("6 and 6 rows for 12 dimensions");
  }

  /** The squared distance of the mean cells of both sets, from the decoded videos. */
  private double meanTerm() throws IOException {
    double[] first = cells(generated, "a wave-");
    double[] second = cells(real, "");
    double sum = 0;
    for (int i = 0; i < first.length; i++) {
      sum += (first[i] - second[i]) * (first[i] - second[i]);
    }
    return sum;
  }

  private static double[] cells(Path folder, String prefix) throws IOException {
    var means = new double[12];
    for (int i = 0; i < 3; i++) {
      VideoClip clip = VideoReader.readAll(folder.resolve(prefix + i + ".mp4"));
      for (int j = 0; j < clip.data().length; j++) {
        int cell = j / 8192 * 4 + j / 32 % 32 / 16 * 2 + j % 32 / 16;
        means[cell] += (clip.data()[j] + 1) / 2 / (3 * 8 * 256);
      }
    }
    return means;
  }

  @Test
  void onnxClip_givesClipsimOfTheNamesOfFiles() throws IOException {
    Path tokenizer = Files.createDirectories(folder.resolve("clip"));
    new ClipTokenizerWriter(List.of("a", "wave"), 77).write(tokenizer);
    Invocation run =
        Invocation.of(
            "evaluate",
            generated,
            "--clip-image",
            resource("image.onnx"),
            "--clip-text",
            resource("text.onnx"),
            "--clip-tokenizer",
            tokenizer,
            "--captions",
            "names",
            "--style",
            "wave",
            "-o",
            out);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("CLIPSIM", "appearance style", "background consistency");
    assertThat(json().at("/sets/0/videos/1/caption").asText()).isEqualTo("a wave");
    double[] text;
    try (HuggingFaceTokenizer opened = HuggingFaceTokenizer.open(tokenizer)) {
      long[] ids = opened.encode(List.of("a wave"), 77).inputIds()[0];
      long[] mask = opened.encode(List.of("a wave"), 77).attentionMask()[0];
      double sum = 0;
      for (int i = 0; i < ids.length; i++) {
        sum += ids[i] * mask[i];
      }
      text = new double[] {1, sum / 50000, -0.5, 0.25};
    }
    assertThat(json().at("/sets/0/videos/0/values/CLIPSIM").asDouble())
        .isCloseTo(similarity(text), within(2e-3));
  }

  /**
   * With the colours' means of the frames as they are: enlarged, they keep them but for what
   * overshoots and is cut off.
   */
  private double similarity(double[] text) throws IOException {
    double[] mean = {0.48145466, 0.4578275, 0.40821073};
    double[] deviation = {0.26862954, 0.26130258, 0.27577711};
    VideoClip clip = VideoReader.readAll(generated.resolve("a wave-0.mp4"));
    double sum = 0;
    for (int f = 0; f < 8; f++) {
      var picture = new double[4];
      for (int c = 0; c < 3; c++) {
        double colour = 0;
        for (int i = 0; i < 1024; i++) {
          colour += (clip.data()[c * 8192 + f * 1024 + i] + 1) / 2 / 1024;
        }
        for (int row = 0; row < 4; row++) {
          picture[row] += ((row * 3 + c) / 10.0 - 0.5) * (colour - mean[c]) / deviation[c];
        }
      }
      double product = 0;
      for (int i = 0; i < 4; i++) {
        product += picture[i] * text[i];
      }
      sum += product / length(picture) / length(text) / 8;
    }
    return sum;
  }

  private static double length(double[] vector) {
    return Math.sqrt(Arrays.stream(vector).map(x -> x * x).sum());
  }

  @Test
  void whatDoesNotGoTogether_isSaidInOneLine() throws IOException {
    assertFails("--real: expected --i3d or --features", "--real", real);
    assertFails("--i3d, --features: expected --real", "--features", resource("pool.pt"));
    assertFails(
        "pool.pt: expected i3d_torchscript.pt, git blob 93daef",
        "--real",
        real,
        "--i3d",
        folder.resolve("pool.pt"));
    assertFails("found only one of them", "--clip-text", folder.resolve("pool.pt"));
    assertFails("style: expected CLIP's image and text encoder", "--style", "a");
    assertFails("expected a network as TorchScript or ONNX", "--dino", folder.resolve("none.pt"));
    Path broken = folder.resolve("broken.onnx");
    Files.write(broken, new byte[] {8, 7});
    assertFails("broken.onnx: ", "--dino", broken);
    // A network of one input for two pictures.
    assertFails("pool.pt: expected a network of at least 2", "--amt", folder.resolve("pool.pt"));
    assertFails("layout: expected one of", "--features-input", "layout=x");
    Invocation none = Invocation.of("evaluate", folder.resolve("nothing"), "-o", out);
    assertThat(none.exitCode()).isEqualTo(2);
    assertThat(none.err()).contains("nothing: expected a folder of videos");
  }

  private void assertFails(String message, Object... options) {
    var words = new Object[options.length + 4];
    words[0] = "evaluate";
    words[1] = generated;
    words[2] = "-o";
    words[3] = out;
    System.arraycopy(options, 0, words, 4, options.length);
    Invocation run = Invocation.of(words);
    assertThat(run.exitCode()).as(run.err()).isEqualTo(2);
    assertThat(run.err()).contains(message);
    assertThat(run.err().lines().filter(line -> line.startsWith("tpdiff: "))).hasSize(1);
  }
}
