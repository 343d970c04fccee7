package io.github.tpdiff.lora.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoChoice;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PromptFileTest {
  @TempDir private Path folder;

  private List<SamplePrompt> read(String text) throws IOException {
    return new PromptFile(Files.writeString(folder.resolve("prompts.txt"), text)).read();
  }

  @Test
  void lines_arePromptsWithWhatIsSaidForThemAlone() throws IOException {
    List<SamplePrompt> prompts =
        read(
            """
            \uFEFF# by musubi's manual

            A cat walks, on-screen -- slowly. --w 640 --h 480 --f 25 --d -1 --s 20 --n bad, hands --l 5.5 --i in/a b.png
              # indented
              A dog\t--f 9
            """);
    assertThat(prompts)
        .containsExactly(
            new SamplePrompt(
                GenerationRequest.of("A cat walks, on-screen -- slowly.")
                    .withVideo(
                        new VideoChoice(
                            Optional.of(640), Optional.of(480), Optional.of(25), Optional.empty()))
                    .withSeed(-1)
                    .withSampling(SamplingChoice.open().withSteps(20).withGuidance(5.5))
                    .withNegativePrompt("bad, hands")
                    .withPicture(folder.resolve("in/a b.png")),
                folder.resolve("prompts.txt") + ": line 3"),
            new SamplePrompt(
                GenerationRequest.of("A dog")
                    .withVideo(
                        new VideoChoice(
                            Optional.empty(), Optional.empty(), Optional.of(9), Optional.empty())),
                folder.resolve("prompts.txt") + ": line 5"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a --fs 3|unknown option --fs; there are --w, --h, --f, --d, --s, --n, --l, --i",
        "a --w=640|unknown option --w=640",
        "a --w 640 --w 320|--w: expected once, found twice",
        "a --w wide|--w: expected a whole number, the width in pixels, found 'wide'",
        "a --s|--s: expected a whole number, the sampler's steps, found ''",
        "a --l 1e999|--l: expected a number, the guidance scale, found '1e999'",
        "a --i|--i: expected a file, the picture that the video begins with, found ''",
        "--w 640|expected a prompt before its options, found none",
      })
  void lineThatIsWrong_isNamedWithItsOption(String line, String message) {
    assertThatThrownBy(() -> read("fine\n" + line))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(folder.resolve("prompts.txt") + ": line 2: " + message);
  }

  @Test
  void fileWithoutAPrompt_isRefused() {
    assertThatThrownBy(() -> read("# nothing\n\n"))
        .isInstanceOf(CheckpointException.class)
        .hasMessageEndingWith("prompts.txt: expected a prompt a line, found none");
    assertThatThrownBy(() -> new PromptFile(folder.resolve("none.txt")).read())
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            "sample.file: %s: expected a text of prompts, found nothing",
            folder.resolve("none.txt"));
    assertThatThrownBy(
            () -> new PromptFile(Files.write(folder.resolve("x"), new byte[] {'a', 0})).read())
        .hasMessageStartingWith("sample.file: " + folder.resolve("x") + ": line 1: ")
        .hasMessageContaining("a zero byte");
  }
}
