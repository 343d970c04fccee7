package io.github.tpdiff.lora.job;

import io.github.tpdiff.lora.data.Utf8File;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoChoice;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A file of prompts, as musubi-tuner reads them: one a line, each with options behind it such as
 * {@code --w 640 --h 480 --f 25 --d 1 --s 20}; empty lines and those that begin with {@code #} say
 * nothing. An option that is not known is an error.
 *
 * @param file whose folder pictures are relative to
 */
record PromptFile(Path file) {
  private static final long MOST_BYTES = 1 << 20;

  private static final Pattern OPTION = Pattern.compile("(?:^|\\s)--(\\S+)");

  /** What each is, for errors. */
  private static final Map<String, String> OPTIONS = options();

  private static Map<String, String> options() {
    var options = new LinkedHashMap<String, String>();
    options.put("w", "a whole number, the width in pixels");
    options.put("h", "a whole number, the height in pixels");
    options.put("f", "a whole number, the frames");
    options.put("d", "a whole number, the seed");
    options.put("s", "a whole number, the sampler's steps");
    options.put("n", "a text, the negative prompt");
    options.put("l", "a number, the guidance scale");
    options.put("i", "a file, the picture that the video begins with");
    return options;
  }

  /**
   * The prompts in their order.
   *
   * @throws CheckpointException if the file cannot be read, has no prompt, or a line is wrong: it
   *     is named
   */
  List<SamplePrompt> read() {
    String text;
    try {
      text = Utf8File.read(file, MOST_BYTES);
    } catch (IOException failure) {
      String why =
          failure instanceof NoSuchFileException
              ? file + ": expected a text of prompts, found nothing"
              : String.valueOf(failure.getMessage());
      throw new CheckpointException("sample.file: " + why, failure);
    }
    var prompts = new ArrayList<SamplePrompt>();
    List<String> lines = text.lines().toList();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (!line.isEmpty() && line.charAt(0) != '#') {
        prompts.add(new Line("%s: line %d".formatted(file, i + 1)).parse(line));
      }
    }
    if (prompts.isEmpty()) {
      throw new CheckpointException("%s: expected a prompt a line, found none".formatted(file));
    }
    return prompts;
  }

  private final class Line {
    private final String origin;
    private final Map<String, String> values = new LinkedHashMap<>();

    Line(String origin) {
      this.origin = origin;
    }

    SamplePrompt parse(String line) {
      Matcher option = OPTION.matcher(line);
      int end = line.length();
      var starts = new ArrayList<int[]>();
      while (option.find()) {
        starts.add(new int[] {option.start(), option.end()});
      }
      for (int i = 0; i < starts.size(); i++) {
        int next = i + 1 < starts.size() ? starts.get(i + 1)[0] : end;
        String name = line.substring(starts.get(i)[0], starts.get(i)[1]).strip().substring(2);
        put(name, line.substring(starts.get(i)[1], next).strip());
      }
      String prompt = line.substring(0, starts.isEmpty() ? end : starts.get(0)[0]).strip();
      if (prompt.isEmpty()) {
        throw wrong("expected a prompt before its options, found none");
      }
      return new SamplePrompt(request(prompt), origin);
    }

    private void put(String name, String value) {
      if (!OPTIONS.containsKey(name)) {
        throw wrong(
            "unknown option --%s; there are --%s"
                .formatted(name, String.join(", --", OPTIONS.keySet())));
      }
      if (values.put(name, value) != null) {
        throw wrong("--%s: expected once, found twice".formatted(name));
      }
    }

    private GenerationRequest request(String prompt) {
      Optional<Double> guidance = find("l", JobType::decimal);
      var asked =
          GenerationRequest.of(prompt)
              .withVideo(
                  new VideoChoice(
                      find("w", Integer::valueOf),
                      find("h", Integer::valueOf),
                      find("f", Integer::valueOf),
                      Optional.empty()))
              .withSampling(
                  new SamplingChoice(
                      find("s", Integer::valueOf),
                      guidance.stream().toList(),
                      Optional.empty(),
                      Optional.empty(),
                      SamplingChoice.open().stages()));
      asked = find("d", Long::valueOf).map(asked::withSeed).orElse(asked);
      asked = find("n", Function.identity()).map(asked::withNegativePrompt).orElse(asked);
      return find("i", this::picture).map(asked::withPicture).orElse(asked);
    }

    private Path picture(String text) {
      if (text.isEmpty()) {
        throw new IllegalArgumentException(text);
      }
      return file.resolveSibling(text);
    }

    private <T> Optional<T> find(String name, Function<String, T> parse) {
      String value = values.get(name);
      if (value == null) {
        return Optional.empty();
      }
      try {
        return Optional.of(parse.apply(value));
      } catch (IllegalArgumentException unfit) {
        throw new CheckpointException(
            "%s: --%s: expected %s, found '%s'".formatted(origin, name, OPTIONS.get(name), value),
            unfit);
      }
    }

    private CheckpointException wrong(String what) {
      return new CheckpointException(origin + ": " + what);
    }
  }
}
