package io.github.tpdiff.cli;

import io.github.tpdiff.lora.job.JobKey;
import io.github.tpdiff.lora.job.JobKey.Otherwise;
import java.util.List;

/** The page of all keys of a job file, in Markdown. */
final class JobPage {
  private static final String BEFORE =
      """
      # The keys of a job file

      <!-- Written by `./tpdiff job-keys --markdown > docs/job.md`; a test compares the two. -->

      A job file says what `tpdiff train` and `tpdiff prepare` do. The smallest names a checkpoint and a folder of videos or pictures:

      ```yaml
      model: {path: checkpoint}
      data: {path: clips}
      ```

      Paths are relative to the job file's folder. A key that is not on this page is an error that names its line and the
      nearest that is. Where a list is expected, one value stands for a list of one. A section may be left out or be empty;
      a key with nothing behind it is an error. Files are YAML in UTF-8, at most 1 MiB: anchors, aliases and merge keys work
      (`<<: *name`), tags, repeated keys and a second document are errors. `tpdiff train JOB --dry-run` says what a job comes
      to before anything is trained.
      """;

  private JobPage() {}

  static String of(List<JobKey> keys) {
    var page = new StringBuilder(BEFORE);
    for (JobKey key : keys) {
      if (key.otherwise() instanceof Otherwise.Section) {
        page.append("\n## %s\n\n%s\n\n".formatted(key.path(), key.meaning()));
        page.append("| key | type | default | meaning |\n|---|---|---|---|\n");
      } else {
        String name = key.path().substring(key.path().indexOf('.') + 1);
        page.append(
            "| `%s` | %s | %s | %s |\n"
                .formatted(name, key.type(), otherwise(key.otherwise()), key.meaning()));
      }
    }
    return page.toString();
  }

  private static String otherwise(Otherwise otherwise) {
    if (otherwise instanceof Otherwise.Value value) {
      return "`" + value.written() + "`";
    }
    return otherwise instanceof Otherwise.Computed computed ? computed.words() : "required";
  }
}
