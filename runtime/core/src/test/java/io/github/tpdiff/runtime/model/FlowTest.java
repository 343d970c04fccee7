package io.github.tpdiff.runtime.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.graph.ElementType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FlowTest {
  private static final Text TEXT =
      new Text("tokenizer", 6, Text.Cleaning.NONE, Text.Padding.ENCODED);

  /** Two encoders in a row for prompts, two in a row for pictures, and two denoisers. */
  private static List<ComponentDescription> components() {
    return List.of(
        component("text_encoder", Map.of("ids", TEXT.ids()), Map.of("states", "states")),
        component("projection", Map.of("x", "states"), Map.of("y", "context")),
        component("image_encoder", Map.of("sample", Flow.PICTURE), Map.of("rows", "rows")),
        component(
            "image_projection",
            Map.of("rows", "rows", "at", Flow.POSITIONS),
            Map.of("y", "picture_context")),
        component("transformer/conditioning", Map.of("c", "context"), Map.of()),
        component("transformer", Map.of(), Map.of()),
        component("transformer_2", Map.of("p", "picture_context"), Map.of()));
  }

  private static ComponentDescription component(
      String name, Map<String, String> reads, Map<String, String> writes) {
    return ComponentDescription.of(name, Runs.PROMPT, reads, writes);
  }

  private static List<Flow.Expert> experts(double... leastTimesteps) {
    var experts = new ArrayList<Flow.Expert>();
    for (double least : leastTimesteps) {
      experts.add(
          new Flow.Expert(
              experts.isEmpty() ? "transformer" : "transformer_2",
              least,
              Optional.empty(),
              Optional.empty()));
    }
    return experts;
  }

  private static Condition condition(String name) {
    return new Condition(
        name, ElementType.F32, List.of("batch", "3"), Condition.Follows.NOTHING, false);
  }

  private static Flow flow(List<ComponentDescription> components, List<Flow.Expert> experts) {
    return new Flow(
        components,
        experts,
        List.of(TEXT),
        List.of(condition("context"), condition("picture_context").asOptional()),
        Map.of("text", 6L));
  }

  private static Flow flow() {
    return flow(components(), experts(900, 0));
  }

  private static List<ComponentDescription> with(ComponentDescription more) {
    var components = new ArrayList<>(components());
    components.add(more);
    return components;
  }

  private static void assertRefused(
      List<ComponentDescription> components, List<Flow.Expert> experts, String message) {
    assertThatThrownBy(() -> flow(components, experts))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void valueThatNobodyGives_isRefusedWithThoseThatAreGiven() {
    assertRefused(
        List.of(component("transformer", Map.of("c", "context"), Map.of())),
        experts(0),
        "transformer: nothing before it gives the value 'context', only [picture, picture_pixels, positions,"
            + " tokenizer.input_ids, tokenizer.attention_mask] are given");
  }

  @Test
  void conditionThatNobodyGives_isRefused() {
    assertThatThrownBy(
            () ->
                new Flow(
                    List.of(component("transformer", Map.of(), Map.of())),
                    experts(0),
                    List.of(),
                    List.of(condition("context")),
                    Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "conditions: nothing before it gives the value 'context', only [picture, picture_pixels, positions]"
                + " are given");
  }

  @Test
  void componentBeforeItsWriter_isRefused() {
    var turned = new ArrayList<>(components());
    turned.add(0, turned.remove(1));
    assertRefused(
        turned,
        experts(900, 0),
        "projection: nothing before it gives the value 'states', only [picture, picture_pixels, positions,"
            + " tokenizer.input_ids, tokenizer.attention_mask] are given");
  }

  @Test
  void namesThatAreThereTwice_areRefused() {
    assertRefused(
        with(component("projection", Map.of(), Map.of())),
        experts(900, 0),
        "components: 'projection' is there twice");
    assertRefused(
        with(component("another", Map.of(), Map.of("y", "context"))),
        experts(900, 0),
        "components: 'context' is written twice");
    assertRefused(
        with(component("another", Map.of(), Map.of("y", Flow.PICTURE))),
        experts(900, 0),
        "components: 'picture' is written twice");
    assertThatThrownBy(
            () -> new Flow(components(), experts(0), List.of(TEXT, TEXT), List.of(), Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("texts: 'tokenizer' is there twice");
  }

  @Test
  void conditionThatIsThereTwice_isRefused() {
    assertThatThrownBy(
            () ->
                new Flow(
                    components(),
                    experts(900, 0),
                    List.of(TEXT),
                    List.of(condition("context"), condition("context").asOptional()),
                    Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("conditions: 'context' is there twice");
  }

  @Test
  void timesteps_mustFallToZero() {
    assertThatThrownBy(() -> flow(components(), experts(100, 900)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("denoisers: expected falling least_timestep, found ");
    assertThatThrownBy(() -> flow(components(), experts(900, 900)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("denoisers: expected falling least_timestep, found ");
    assertRefused(
        components(), experts(900, 1), "denoisers: expected a last least_timestep of 0, found 1.0");
    assertRefused(components(), List.of(), "denoisers: expected at least one, found none");
    assertThatThrownBy(() -> experts(Double.NaN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("denoisers.least_timestep: expected at least 0, found NaN");
  }

  @Test
  void denoiserThatIsNoComponent_isRefused() {
    assertThatThrownBy(() -> flow(components(), List.of(Flow.Expert.alone("unet"))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("denoisers: there is no component 'unet', only [");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, 1 << 20})
  void sizeThatNoModelHas_isRefused(long size) {
    assertThatThrownBy(
            () ->
                new Flow(components(), experts(0), List.of(TEXT), List.of(), Map.of("text", size)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("sizes.text: expected from 1 to 65536, found " + size);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "..", "../x", "/x", "x/", "a/b/c", "X", "a b", "a\\b"})
  void nameThatIsNoFolder_isRefused(String name) {
    assertThatThrownBy(() -> component(name, Map.of(), Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("components: expected a name such as ");
  }

  private static List<String> names(List<ComponentDescription> components) {
    return components.stream().map(ComponentDescription::name).toList();
  }

  @Test
  void writers_areInTheOrderInWhichTheyRun() {
    assertThat(names(flow().writers(List.of("context"))))
        .containsExactly("text_encoder", "projection");
    assertThat(names(flow().writers(List.of("picture_context", "context"))))
        .containsExactly("text_encoder", "projection", "image_encoder", "image_projection");
    assertThat(flow().writers(List.of(Flow.PICTURE, TEXT.ids()))).isEmpty();
  }

  @Test
  void sources_areAllThatIsReadOnTheWay() {
    assertThat(flow().sources(List.of("context")))
        .containsExactlyInAnyOrder("context", "states", "tokenizer.input_ids");
    assertThat(flow().sources(List.of("picture_context")))
        .containsExactlyInAnyOrder("picture_context", "rows", "positions", "picture");
  }

  @Test
  void conditions_areThoseOfPromptsAndThoseOfPictures() {
    assertThat(flow().isOfPicture("picture_context")).isTrue();
    assertThat(flow().isOfPicture("context")).isFalse();
    assertThat(flow().conditions(true))
        .extracting(Condition::name)
        .containsExactly("picture_context");
    assertThat(flow().conditions(false)).extracting(Condition::name).containsExactly("context");
  }

  /** Encoders of optional conditions run where they are there, and are never asked for. */
  @Test
  void encodersOfOptionalConditions_areThoseThatAreThere() {
    var parts = new FunctionParts(LinearVideoModel.description().withFlow(flow()));
    List<String> all = List.of("text_encoder", "projection", "image_encoder", "image_projection");
    all.forEach(name -> parts.with(name, List.of(), List.of(), in -> in));
    assertThat(names(parts.encoders("a video", true)))
        .containsExactly("image_encoder", "image_projection");
    parts.without("image_encoder");
    assertThat(parts.encoders("a video", true)).isEmpty();
    assertThat(names(parts.encoders("a video", false)))
        .containsExactly("text_encoder", "projection");
    parts.without("text_encoder");
    assertThatThrownBy(() -> parts.encoders("a video", false))
        .hasMessage(
            "functions: a video needs text encoder, projection: found no text encoder, only"
                + " projection, image projection");
  }

  @Test
  void whatAVideoNeeds_leavesOutEncodersOfOptionalConditions() {
    assertThat(flow().generating())
        .containsExactly(
            "text_encoder",
            "projection",
            "transformer/conditioning",
            "transformer",
            "transformer_2",
            "vae_decoder");
    assertThat(flow().training()).endsWith("vae_encoder").doesNotContain("vae_decoder");
    assertThat(LinearVideoModel.description().flow().generating())
        .containsExactly(
            "text_encoder",
            "transformer/conditioning",
            "transformer",
            "vae_decoder/first",
            "vae_decoder");
  }

  @Test
  void network_isTheDenoiserBehindItsConditioning() {
    assertThat(flow().network("transformer"))
        .containsExactly("transformer/conditioning", "transformer");
    assertThat(flow().network("transformer_2")).containsExactly("transformer_2");
    assertThat(flow().networks())
        .containsExactly("transformer/conditioning", "transformer", "transformer_2");
    assertThat(flow().denoiser()).isEqualTo("transformer");
  }

  @Test
  void conditionShapes_beginWithTheBatchAndFollowOneAxisOfFrames() {
    assertThatThrownBy(
            () ->
                new Condition("c", ElementType.F32, List.of("3"), Condition.Follows.NOTHING, false))
        .hasMessage("condition c: shape: expected batch first, found [3]");
    for (List<String> shape :
        List.of(List.of("batch", "3"), List.of("batch", "frames", "frames"))) {
      assertThatThrownBy(
              () -> new Condition("c", ElementType.F32, shape, Condition.Follows.FRAMES, false))
          .hasMessage(
              "condition c: shape: expected one axis of frames, which it follows, found " + shape);
    }
    assertThatThrownBy(() -> condition("c").extents(Map.of("rows", 3L)))
        .hasMessage("condition c: shape: 'batch' has no size, only [rows] have");
  }
}
