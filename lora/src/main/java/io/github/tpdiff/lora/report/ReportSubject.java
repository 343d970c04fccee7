package io.github.tpdiff.lora.report;

import java.util.List;

/**
 * What a page is about, as it is known before the first step.
 *
 * @param title of what is trained
 * @param prompts what each sample shows, in their order
 * @param data lines on what the data came to
 * @param job the job as it runs
 */
public record ReportSubject(String title, List<String> prompts, List<String> data, String job) {
  public ReportSubject {
    prompts = List.copyOf(prompts);
    data = List.copyOf(data);
  }
}
