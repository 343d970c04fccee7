package io.github.tpdiff.adapters.wan;

import io.github.tpdiff.adapters.ClipVisionModel;
import io.github.tpdiff.adapters.ModelFlows;
import io.github.tpdiff.runtime.graph.Dim;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.graph.Value;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.model.Runs;
import io.github.tpdiff.runtime.model.Text;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** How values flow through Wan 2.1 and 2.2. */
final class WanFlow {
  static final String TRANSFORMER = "transformer";
  static final String TRANSFORMER_2 = "transformer_2";
  static final String TEXT_ENCODER = "text_encoder";
  static final String IMAGE_ENCODER = "image_encoder";
  static final String TOKENIZER = "tokenizer";
  private static final String TEXT = "encoder_hidden_states";
  private static final String IMAGE = "encoder_hidden_states_image";
  private static final String IMAGE_ROWS = "image";

  /** What CLIP ViT-H/14 gives: a row for each patch that it sees, and its class. */
  private static final long PUBLISHED_IMAGE_ROWS = 257;

  private static final String TEXT_WIDTH = "4096";

  private final Map<String, Component> components;
  private final List<Flow.Expert> experts;
  private final Optional<PictureUse> pictures;

  private WanFlow(
      Map<String, Component> components, List<Flow.Expert> experts, Optional<PictureUse> pictures) {
    this.components = components;
    this.experts = experts;
    this.pictures = pictures;
  }

  /**
   * The flow of a model.
   *
   * @param components those whose files are there
   * @param textLength tokens of a prompt
   * @param experts its denoisers
   * @param pictures how they are told of pictures, if they are
   */
  static Flow of(
      Map<String, Component> components,
      int textLength,
      List<Flow.Expert> experts,
      Optional<PictureUse> pictures) {
    return new WanFlow(components, experts, pictures).flow(textLength);
  }

  private Flow flow(int textLength) {
    var text = new Text(TOKENIZER, textLength, Text.Cleaning.WHITESPACE, Text.Padding.ZERO_ROWS);
    Optional<Program> conditioning = network(ComponentDescription::conditioning);
    Map<String, String> values =
        conditioning.map(ModelFlows::conditionsByName).orElse(Map.of(TEXT, TEXT));
    var conditions =
        new ArrayList<>(
            conditioning
                .map(program -> ModelFlows.conditions(program, values))
                .orElse(List.of(ModelFlows.textRows(TEXT, TEXT_WIDTH))));
    Optional<Condition> beside = condition();
    beside.ifPresent(conditions::add);
    var described = new ArrayList<ComponentDescription>();
    described.add(
        ModelFlows.textEncoder(TEXT_ENCODER, text, true, Map.of("last_hidden_state", TEXT)));
    var sizes = new LinkedHashMap<>(Map.of(Flow.TEXT_ROWS, (long) textLength));
    if (values.containsKey(IMAGE)) {
      described.add(
          ComponentDescription.of(
              IMAGE_ENCODER,
              Runs.PICTURE,
              Map.of(ClipVisionModel.PIXELS, Flow.PICTURE_PIXELS),
              Map.of(ClipVisionModel.EMBEDS, IMAGE)));
      sizes.put(IMAGE_ROWS, imageRows(conditioning.orElseThrow()));
    }
    described.addAll(autoencoder(beside));
    Map<String, String> own =
        beside.map(condition -> Map.of(condition.name(), condition.name())).orElse(Map.of());
    experts.forEach(
        expert -> described.addAll(ModelFlows.network(expert.component(), values, own)));
    return new Flow(described, experts, List.of(text), conditions, sizes, pictures);
  }

  /** A program of the first network that is there: all are told the same. */
  private Optional<Program> network(UnaryOperator<String> part) {
    return experts.stream()
        .map(expert -> components.get(part.apply(expert.component())))
        .filter(Objects::nonNull)
        .map(Component::program)
        .findFirst();
  }

  /** What the denoisers themselves are told of pictures; of given frames there may be none. */
  private Optional<Condition> condition() {
    return pictures.flatMap(
        use ->
            network(UnaryOperator.identity())
                .map(program -> program.inputs().get(WanTransformer.CONDITION))
                .map(input -> condition(input, use)));
  }

  private static Condition condition(Value input, PictureUse use) {
    var condition = Condition.of(WanTransformer.CONDITION, input, Condition.Follows.FRAMES);
    return use.given() == PictureUse.Given.FIRST_FRAME ? condition.asOptional() : condition;
  }

  /** The autoencoder, whose encoder also encodes pictures. */
  private static List<ComponentDescription> autoencoder(Optional<Condition> condition) {
    return ModelFlows.autoencoder(true).stream()
        .map(
            component ->
                component.name().equals(ComponentDescription.VAE_ENCODER) && condition.isPresent()
                    ? ComponentDescription.of(
                        component.name(),
                        component.runs(),
                        Map.of("sample", Flow.PICTURE),
                        Map.of("latent_mean", condition.get().name()))
                    : component)
        .toList();
  }

  /** Rows of all pictures of a clip. */
  private long imageRows(Program conditioning) {
    Optional<Value> encoded =
        Optional.ofNullable(components.get(IMAGE_ENCODER))
            .map(Component::program)
            .map(program -> program.segments().get(program.segments().size() - 1))
            .map(last -> last.outputs().get(ClipVisionModel.EMBEDS));
    return Stream.of(Optional.ofNullable(conditioning.inputs().get(IMAGE)), encoded)
        .flatMap(Optional::stream)
        .map(rows -> rows.dim(1))
        .filter(Dim::isFixed)
        .map(Dim::value)
        .findFirst()
        .orElse(PUBLISHED_IMAGE_ROWS);
  }
}
