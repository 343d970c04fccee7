package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.PromptEncoder;
import io.github.tpdiff.runtime.model.Text;
import io.github.tpdiff.runtime.model.VideoModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Kind {@code text_encoders}: prompts to all that the network is told of them: the states of one
 * encoder, padding included, its mask, and the pooled state of another.
 *
 * @param opener of the model
 */
public record TextEncodersCase(Function<Path, VideoModel> opener) implements CaseKind.OnEngine {
  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    try (VideoModel model = opener.apply(golden.checkpoint())) {
      VideoModel asked = PromptLength.of(model, golden.args().integer("t5_max_length"));
      Flow flow = asked.description().flow();
      Conditions found = encode(golden, asked, engine);
      checks.compare("pooled", require(found, written(flow, "pooled")));
      checks.compare("prompt_embeds", require(found, written(flow, "last_hidden_state")));
      checks.compare(
          "prompt_attention_mask", require(found, flow.texts().stream().map(Text::mask)));
    }
  }

  private static Conditions encode(GoldenCase golden, VideoModel model, Engine engine) {
    var prompts = new ArrayList<Conditions>();
    try (var encoder = PromptEncoder.open(PipelineParts.of(model, engine))) {
      for (String prompt : golden.args().texts("prompts")) {
        prompts.add(new Conditions(model.description().flow(), encoder.encode(prompt)));
      }
    }
    return Conditions.join(prompts);
  }

  /** The values that an output of an encoder is. */
  private static Stream<String> written(Flow flow, String output) {
    return flow.components().stream()
        .flatMap(component -> Optional.ofNullable(component.writes().get(output)).stream());
  }

  private static Tensor require(Conditions found, Stream<String> names) {
    return names
        .flatMap(name -> Optional.ofNullable(found.values().get(name)).stream())
        .findFirst()
        .orElseThrow(
            () ->
                new CaseException(
                    "expected a pooled state, states and their mask, found "
                        + found.values().keySet()));
  }
}
