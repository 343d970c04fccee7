package io.github.tpdiff.lora.job;

import io.github.tpdiff.runtime.pipeline.GenerationRequest;

/**
 * A video that a job makes on the way.
 *
 * @param request what is asked of it; what it leaves open the job says
 * @param origin where it is asked, for errors, such as {@code prompts.txt: line 3}
 */
public record SamplePrompt(GenerationRequest request, String origin) {
  /** A prompt of the key {@code sample.prompts}. */
  static SamplePrompt ofKey(String prompt) {
    return new SamplePrompt(GenerationRequest.of(prompt), "sample.prompts");
  }
}
