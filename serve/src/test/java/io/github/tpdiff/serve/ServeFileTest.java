package io.github.tpdiff.serve;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServeFileTest {
  @TempDir private Path folder;

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("serve.yaml"), text);
  }

  @Test
  void everythingThatItSays_isRead_pathsFromItsOwnFolder() throws IOException {
    Files.writeString(folder.resolve("keys.txt"), "# ours\n\n0123456789abcdef\n");
    ServeFile read =
        ServeFile.read(
            file(
                """
                host: 0.0.0.0
                port: 80
                results: kept
                keys: keys.txt
                host_names: [videos.example]
                origins: ["https://app.example"]
                keep_hours: 0.5
                grace_seconds: 7
                warm_bytes: 20000000000
                models:
                  tiny: exported
                  wan: {path: /wan, parts: {vae: other}, settings: {a: b}, defaults: {num_inference_steps: 30}}
                loras:
                  ball: ball.safetensors
                  style: {path: style.safetensors, strength: 0.8, denoiser: high_noise}
                defaults: {negative_prompt: blurry, rates: [2, [2, 2, 2]]}
                limits: {queue: 3, pixels: 4096}
                """));
    ServerSettings settings = read.settings();
    assertThat(settings.place()).isEqualTo(new ServerSettings.Place("0.0.0.0", 80));
    assertThat(settings.results()).isEqualTo(folder.resolve("kept"));
    assertThat(settings.access().keys()).containsExactly("0123456789abcdef");
    assertThat(settings.access().hostNames()).containsExactly("videos.example");
    assertThat(settings.access().origins()).containsExactly("https://app.example");
    assertThat(settings.times())
        .isEqualTo(new ServerSettings.Times(Duration.ofMinutes(30), Duration.ofSeconds(7)));
    assertThat(settings.warmBytes()).hasValue(20_000_000_000L);
    assertThat(settings.loras())
        .isEqualTo(
            Map.of(
                "ball",
                LoraChoice.of(folder.resolve("ball.safetensors")),
                "style",
                new LoraChoice(
                    folder.resolve("style.safetensors"),
                    Optional.of(0.8),
                    Optional.of("high_noise"))));
    assertThat(read.models().keySet()).containsExactly("tiny", "wan");
    assertThat(read.models().values())
        .extracting(ServeFile.Model::path)
        .containsExactly(folder.resolve("exported"), Path.of("/wan"));
    assertThat(requireNonNull(read.models().get("wan")).request().part("vae"))
        .hasValue(folder.resolve("other"));
    assertThat(settings.defaults().all().negativePrompt()).hasValue("blurry");
    assertThat(settings.defaults().all().rates()).hasSize(2);
    assertThat(requireNonNull(settings.defaults().byModel().get("wan")).numInferenceSteps())
        .hasValue(30);
    assertThat(settings.limits().mostQueued()).isEqualTo(3);
    assertThat(settings.limits().mostPixels()).isEqualTo(4096);
    assertThat(settings.limits().mostFrames()).isEqualTo(257);
  }

  @Test
  void whatOptionsSay_standsBeforeTheFile() throws IOException {
    ServeFile file =
        ServeFile.read(
            file("{port: 1, keep_hours: 2, models: {a: a}, limits: {queue: 3, steps: 4}}"));
    var none = Optional.<Integer>empty();
    ServeFile open = ServeFile.open();
    var options =
        new ServeFile(
            Optional.empty(),
            Optional.of(9),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Map.of("b", ServeFile.Model.of(Path.of("b"))),
            open.loras(),
            open.defaults(),
            new Limits(none, none, none, none, none, none, none, Optional.of(5), none));
    ServeFile both = options.over(file);
    assertThat(both.port()).hasValue(9);
    assertThat(both.keepHours()).hasValue(2.0);
    assertThat(both.models()).containsOnlyKeys("a", "b");
    assertThat(both.limits().mostQueued()).isEqualTo(5);
    assertThat(both.limits().mostSteps()).isEqualTo(4);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "prot: 1 | prot: there is no such field; did you mean port?",
        "limits: {queu: 1} | limits.queu: there is no such field; did you mean queue?",
        "models: {a: {paht: x}} | models.a.paht: there is no such field; did you mean path?",
        "defaults: {num_framse: 1} | defaults.num_framse: there is no such field",
        "models: {a: {path: x, defaults: {sede: 1}}} | models.a.defaults.sede: there is no such field",
        "port: many | port: expected an integer, found \"many\"",
        "limits: {queue: 0} | limits.queue: expected at least 1, found 0",
        "models: {'../a': x} | models: expected names of letters",
        "{port: 1, port: 2} | found duplicate key port",
        "[1] | expected a JSON object",
        "'port: [' | line 1"
      })
  void whatIsWrong_isNamedWithTheFile(String text, String words) throws IOException {
    Path file = file(text);
    assertThatThrownBy(() -> ServeFile.read(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining(words);
  }

  @Test
  void keysThatCanBeGuessed_andNoModels_areRefused() throws IOException {
    Files.writeString(folder.resolve("keys.txt"), "short");
    ServeFile guessed = ServeFile.read(file("{models: {a: a}, keys: keys.txt}"));
    assertThatThrownBy(guessed::settings)
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("key 1: expected at least 16 characters, found 5")
        .hasMessageNotContaining("short:");
    Files.writeString(folder.resolve("keys.txt"), "# none\n");
    assertThatThrownBy(guessed::settings).hasMessageContaining("expected keys, one a line");
    assertThatThrownBy(ServeFile.open()::settings)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--model NAME=FOLDER");
  }

  /** Client over model over all: the model's own number of steps is 4, and of frames 9. */
  @Test
  void aClientsFields_replaceTheOperators_whichReplaceTheModels() throws Exception {
    ServerSettings usual = ServedModel.settings(folder.resolve("results"));
    ServeFile file =
        ServeFile.read(
            file(
                """
                models: {linear: {path: x, defaults: {num_inference_steps: 3}}}
                defaults: {num_inference_steps: 2, seconds: "1", negative_prompt: blurs, width: 64, height: 32}
                """));
    try (ServedModel served =
        ServedModel.open(
            new ServerSettings(
                usual.place(),
                usual.results(),
                usual.access(),
                usual.loras(),
                file.settings().defaults(),
                usual.limits(),
                usual.times(),
                usual.warmBytes()))) {
      var open = served.await(served.create("{\"prompt\": \"x\"}"));
      assertThat(open.get("num_inference_steps").intValue()).isEqualTo(3);
      assertThat(open.get("num_frames").intValue()).isEqualTo(17);
      assertThat(open.get("negative_prompt").textValue()).isEqualTo("blurs");
      assertThat(open.get("size").textValue()).isEqualTo("64x32");
      var said =
          served.await(
              served.create(
                  "{\"prompt\": \"x\", \"num_inference_steps\": 1, \"num_frames\": 5, \"size\": \"32x16\"}"));
      assertThat(said.get("num_inference_steps").intValue()).isEqualTo(1);
      assertThat(said.get("num_frames").intValue()).isEqualTo(5);
      assertThat(said.get("size").textValue()).isEqualTo("32x16");
    }
  }
}
