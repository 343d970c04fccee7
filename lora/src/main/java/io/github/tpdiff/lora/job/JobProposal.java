package io.github.tpdiff.lora.job;

import com.google.common.base.Splitter;
import io.github.tpdiff.lora.job.JobKey.Otherwise;
import io.github.tpdiff.lora.train.TrainingTarget;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.VideoModel;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A job that suits a checkpoint and a data set, to be read and changed: every key that a job may
 * have, with what it means; those that are left to their default as comments.
 *
 * @param file that the job will be in; its paths are relative to the file's folder
 * @param checkpoint what is trained
 * @param data videos and captions
 */
public record JobProposal(Path file, ModelRequest checkpoint, Path data) {
  /** Videos from which some can be spared to measure the loss on. */
  private static final int MANY = 20;

  /** Parameters below which a model is a toy, which learns in a minute. */
  private static final long TOY = 10_000_000;

  private static final int LINE = 100;

  /** Texts that YAML takes as they are. */
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_-]*/[A-Za-z0-9_./-]*");

  /**
   * A job file.
   *
   * @param text of it
   * @param summary one line: what was decided
   */
  public record Proposed(String text, String summary) {}

  /**
   * Decides, and writes the text.
   *
   * @param model the opened checkpoint
   * @throws io.github.tpdiff.weights.CheckpointException if the data set has no video to train on
   */
  public Proposed propose(VideoModel model) {
    ClipSurvey survey = ClipSurvey.of(data);
    ClipChoice clips = ClipChoice.of(model.description(), survey);
    Map<String, String> chosen = new LinkedHashMap<>();
    places(chosen);
    if (model.description().flow().denoisers().size() > 1) {
      chosen.put("model.denoiser", JobRuns.BOTH);
    }
    String fps = number(model.description().defaults().fps());
    chosen.put("data.sizes", list(clips.sizes()));
    chosen.put("data.fps", fps);
    chosen.put(
        "data.validation", survey.videos().size() + survey.pictures().size() >= MANY ? "0.1" : "0");
    chosen.put("stages.count", Integer.toString(clips.stages()));
    chosen.putAll(parameters(model) < TOY ? toy() : usual());
    if (model.description().flow().denoisers().size() == 1) {
      chosen.put("sample.prompts", list(List.of(quoted(survey.caption()))));
    } else {
      chosen.remove("sample.every"); // no videos are made on the way
    }
    return new Proposed(
        text(chosen),
        "%d of %d %s as %s at %s fps, %d stages, %s steps"
            .formatted(
                clips.filled(),
                survey.total(),
                survey.pictures().isEmpty() ? "videos" : "videos and pictures",
                list(clips.sizes()),
                fps,
                clips.stages(),
                chosen.get("train.steps")));
  }

  private void places(Map<String, String> chosen) {
    chosen.put("model.path", path(checkpoint.path()));
    if (!checkpoint.parts().isEmpty()) {
      chosen.put(
          "model.parts",
          checkpoint.parts().entrySet().stream()
              .map(part -> part.getKey() + ": " + path(part.getValue()))
              .collect(Collectors.joining(", ", "{", "}")));
    }
    if (!checkpoint.settings().isEmpty()) {
      chosen.put(
          "model.settings",
          checkpoint.settings().entrySet().stream()
              .map(setting -> setting.getKey() + ": " + quoted(setting.getValue()))
              .collect(Collectors.joining(", ", "{", "}")));
    }
    chosen.put("data.path", path(data));
    chosen.put("output.folder", "output");
  }

  /** What other trainers do. */
  private static Map<String, String> usual() {
    return Map.of(
        "lora.rank", "32",
        "train.steps", "2000",
        "train.batch_size", "1",
        "train.learning_rate", "1e-4",
        "sample.every", "500",
        "output.save_every", "250");
  }

  /** Narrow layers learn at higher rates, and there is memory for everything. */
  private static Map<String, String> toy() {
    return Map.of(
        "lora.rank", "16",
        "train.steps", "400",
        "train.batch_size", "4",
        "train.learning_rate", "2e-3",
        "train.decay", "cosine",
        "train.gradient_checkpointing", "false",
        "sample.every", "200",
        "output.save_every", "200");
  }

  private static long parameters(VideoModel model) {
    Component network = TrainingTarget.network(model);
    return network.program().weights().keySet().stream()
        .mapToLong(name -> network.weights().require(name).elementCount())
        .sum();
  }

  private static String text(Map<String, String> chosen) {
    var text = new StringBuilder();
    say(text, "", "Made by tpdiff new-job. What it comes to: tpdiff train FILE --dry-run");
    say(text, "", "A '#' right before a key shows its default.");
    for (JobKey key : JobKey.all()) {
      if (key.otherwise() instanceof Otherwise.Section) {
        text.append('\n');
        say(text, "", key.meaning());
        text.append(key.path()).append(":\n");
      } else if (chosen.containsKey(key.path())) {
        say(text, "  ", key.meaning());
        text.append("  ")
            .append(key.name())
            .append(": ")
            .append(chosen.get(key.path()))
            .append('\n');
      } else if (key.otherwise() instanceof Otherwise.Value value) {
        say(text, "  ", key.meaning());
        text.append("  #").append(key.name()).append(": ").append(value.written()).append('\n');
      } else if (key.otherwise() instanceof Otherwise.Computed computed) {
        say(text, "  ", key.name() + " (" + computed.words() + "): " + key.meaning());
      }
    }
    return text.toString();
  }

  /** Comment lines of bounded length. */
  private static void say(StringBuilder text, String indent, String words) {
    var line = new StringBuilder(indent).append('#');
    for (String word : Splitter.on(' ').split(words)) {
      if (line.length() + word.length() >= LINE) {
        text.append(line).append('\n');
        line = new StringBuilder(indent).append('#');
      }
      line.append(' ').append(word);
    }
    text.append(line).append('\n');
  }

  private static String list(Collection<?> values) {
    return values.stream().map(Object::toString).collect(Collectors.joining(", ", "[", "]"));
  }

  private static String number(double value) {
    return BigDecimal.valueOf(value).stripTrailingZeros().toPlainString();
  }

  /** Relative to the job's folder, where that can be said. */
  private String path(Path path) {
    Path whole = path.toAbsolutePath().normalize();
    Path folder = file.toAbsolutePath().normalize().getParent();
    if (folder == null || whole.equals(folder) || !whole.startsWith(folder)) {
      return quoted(whole.toString());
    }
    return quoted(folder.relativize(whole).toString());
  }

  /** A text as a YAML scalar. */
  private static String quoted(String value) {
    if (PLAIN.matcher(value).matches()) {
      return value;
    }
    var quoted = new StringBuilder("\"");
    value
        .chars()
        .forEach(
            c -> {
              if (c == '"' || c == '\\') {
                quoted.append('\\').append((char) c);
              } else if (!isPrinted(c)) {
                quoted.append(String.format(Locale.ROOT, "\\u%04x", c));
              } else {
                quoted.append((char) c);
              }
            });
    return quoted.append('"').toString();
  }

  /** What YAML takes between quotes as it is. */
  private static boolean isPrinted(int c) {
    return c >= ' ' && (c < 0x7f || c >= 0xa0) && c != 0x2028 && c != 0x2029 && c != 0xfeff;
  }
}
