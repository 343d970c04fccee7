package io.github.tpdiff.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The README's first block and its Java, in the working folder; only less is trained. */
final class ReadmeRun {
  private ReadmeRun() {}

  public static void main(String[] arguments) throws Exception {
    for (List<String> command : Readme.find(Path.of(arguments[0])).commands("Start")) {
      var words = new ArrayList<String>(command);
      if (words.get(0).equals("demo")) {
        words.add("--brief");
      }
      var run = Invocation.of(words.toArray());
      System.out.println("$ " + String.join(" ", words) + "\n" + run.out() + run.err());
      if (run.exitCode() != ExitCode.DONE) {
        System.exit(run.exitCode());
      }
      if (words.get(0).equals("new-job")) {
        Path job = Path.of("job.yaml");
        Files.writeString(job, Files.readString(job).replaceFirst("steps: \\d+", "steps: 6"));
      }
    }
    ReadmeExample.main(arguments);
  }
}
