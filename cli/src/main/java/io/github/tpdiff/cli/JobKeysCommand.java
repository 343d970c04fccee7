package io.github.tpdiff.cli;

import io.github.tpdiff.lora.job.JobKey;
import io.github.tpdiff.weights.NearestName;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says which keys a job file may have. */
@Command(
    name = "job-keys",
    description = "Lists the keys of a job file: type, default, meaning.",
    footer = {"  tpdiff job-keys", "  tpdiff job-keys train"})
final class JobKeysCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "SECTION",
      defaultValue = "",
      description = "One section, such as train (default: all).")
  private String section;

  @Option(names = "--markdown", description = "Prints the page docs/job.md.")
  private boolean markdown;

  @Override
  public void run() {
    PrintWriter out = spec.commandLine().getOut();
    if (markdown) {
      out.print(JobPage.of(JobKey.all()));
    } else {
      print(out, chosen(JobKey.all()));
    }
    out.flush();
  }

  private List<JobKey> chosen(List<JobKey> all) {
    List<JobKey> keys =
        all.stream()
            .filter(
                key ->
                    section.isEmpty()
                        || key.path().equals(section)
                        || key.path().startsWith(section + "."))
            .toList();
    if (keys.isEmpty()) {
      throw new IllegalArgumentException(
          "SECTION: found no '%s'; the nearest is '%s'"
              .formatted(
                  section,
                  NearestName.of(section, all.stream().map(JobKey::path).toList()).orElse("")));
    }
    return keys;
  }

  private static void print(PrintWriter out, List<JobKey> keys) {
    for (JobKey key : keys) {
      if (key.otherwise() instanceof JobKey.Otherwise.Section) {
        out.printf("%s: %s%n", key.path(), key.meaning());
      } else {
        out.printf(
            "  %s: %s, %s%n      %s%n",
            key.path(), key.type(), otherwise(key.otherwise()), plain(key.meaning()));
      }
    }
  }

  private static String otherwise(JobKey.Otherwise otherwise) {
    if (otherwise instanceof JobKey.Otherwise.Value value) {
      return "default " + value.written();
    }
    return otherwise instanceof JobKey.Otherwise.Computed computed
        ? "default: " + computed.words()
        : "required";
  }

  private static String plain(String meaning) {
    return meaning.replace("`", "");
  }
}
