package io.github.tpdiff.runtime.model;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * How named values flow through the named components of a model, from prompt and picture to the
 * network.
 *
 * <p>Values that no component writes are given: {@link #PICTURE}, {@link #PICTURE_PIXELS}, {@link
 * #POSITIONS}, and the tokens of {@linkplain Text each text}.
 *
 * @param components all that a model of this kind may have, each after those whose values it reads
 * @param denoisers by falling time: each is asked from its own least timestep up to that of the one
 *     before
 * @param texts how prompts become tokens
 * @param conditions what the network is conditioned on
 * @param sizes of the symbols in the components' shapes that no clip decides, such as the rows of a
 *     text
 * @param pictures how it is told of pictures, if the VAE encoder takes part in that
 */
public record Flow(
    List<ComponentDescription> components,
    List<Expert> denoisers,
    List<Text> texts,
    List<Condition> conditions,
    Map<String, Long> sizes,
    Optional<PictureUse> pictures) {
  /**
   * The picture that a video is conditioned on, F32 [1, 3, 1, H, W] in [−1, 1], of the video's
   * size.
   */
  public static final String PICTURE = "picture";

  /**
   * The pictures that a video begins and ends with as an image encoder takes them, F32 [1,
   * pictures, 3, side, side]: one, or two of models that always have both.
   */
  public static final String PICTURE_PIXELS = "picture_pixels";

  /** The positions of all latent frames at full rate, F32 [frames]. */
  public static final String POSITIONS = "positions";

  /** The symbol of the rows of a text in the shapes of networks that attend to them. */
  public static final String TEXT_ROWS = "text";

  /** The first of two denoisers, as users call it. */
  public static final String HIGH_NOISE = "high_noise";

  /** The second of two denoisers, as users call it. */
  public static final String LOW_NOISE = "low_noise";

  private static final long MOST_ROWS = 1 << 16;

  /**
   * A denoiser and the times at which it is asked.
   *
   * @param component its name, which is also its folder in diffusers' layout
   * @param leastTimestep the lowest timestep, on the checkpoint's own scale, at which it is asked;
   *     0 for the last
   * @param guidanceScale its own where the model's default is not for it
   * @param bytesPerLatent what its activations take at most for each latent position of all clips
   *     in a pass, at the model's default size; known of exports, which cannot be priced
   */
  public record Expert(
      String component,
      double leastTimestep,
      Optional<Double> guidanceScale,
      Optional<Double> bytesPerLatent) {
    public Expert {
      checkArgument(
          leastTimestep >= 0 && Double.isFinite(leastTimestep),
          "denoisers.least_timestep: expected at least 0, found %s",
          leastTimestep);
    }

    /** The only denoiser of a model. */
    public static Expert alone(String component) {
      return new Expert(component, 0, Optional.empty(), Optional.empty());
    }

    /** The same with a guidance scale of its own, or the model's. */
    public Expert withGuidanceScale(Optional<Double> scale) {
      return new Expert(component, leastTimestep, scale, bytesPerLatent);
    }

    /** The same with what its activations take. */
    public Expert withBytesPerLatent(double bytes) {
      return new Expert(component, leastTimestep, guidanceScale, Optional.of(bytes));
    }
  }

  /**
   * @throws IllegalArgumentException if a name is given twice, or a value is read that nothing
   *     gives
   */
  public Flow {
    components = List.copyOf(components);
    denoisers = List.copyOf(denoisers);
    texts = List.copyOf(texts);
    conditions = List.copyOf(conditions);
    sizes = Map.copyOf(new TreeMap<>(sizes));
    checkArgument(!denoisers.isEmpty(), "denoisers: expected at least one, found none");
    requireFalling(denoisers);
    sizes.forEach(
        (symbol, size) ->
            checkArgument(
                size >= 1 && size <= MOST_ROWS,
                "sizes.%s: expected from 1 to %s, found %s",
                symbol,
                MOST_ROWS,
                size));
    requireGiven(components, texts, conditions);
    Set<String> names = new HashSet<>();
    components.forEach(component -> names.add(component.name()));
    denoisers.forEach(
        expert ->
            checkArgument(
                names.contains(expert.component()),
                "denoisers: there is no component '%s', only %s",
                expert.component(),
                names));
  }

  /** A flow without pictures that the VAE encoder encodes. */
  public Flow(
      List<ComponentDescription> components,
      List<Expert> denoisers,
      List<Text> texts,
      List<Condition> conditions,
      Map<String, Long> sizes) {
    this(components, denoisers, texts, conditions, sizes, Optional.empty());
  }

  private static void requireFalling(List<Expert> denoisers) {
    double above = Double.POSITIVE_INFINITY;
    for (Expert expert : denoisers) {
      checkArgument(
          expert.leastTimestep() < above,
          "denoisers: expected falling least_timestep, found %s",
          denoisers);
      above = expert.leastTimestep();
    }
    checkArgument(above == 0, "denoisers: expected a last least_timestep of 0, found %s", above);
  }

  private static void requireGiven(
      List<ComponentDescription> components, List<Text> texts, List<Condition> conditions) {
    var known = new LinkedHashSet<>(List.of(PICTURE, PICTURE_PIXELS, POSITIONS));
    for (Text text : texts) {
      checkArgument(known.add(text.ids()), "texts: '%s' is there twice", text.tokenizer());
      known.add(text.mask());
    }
    var names = new HashSet<String>();
    for (ComponentDescription component : components) {
      checkArgument(
          names.add(component.name()), "components: '%s' is there twice", component.name());
      component.reads().values().forEach(value -> requireKnown(component.name(), value, known));
      component
          .writes()
          .values()
          .forEach(
              value -> checkArgument(known.add(value), "components: '%s' is written twice", value));
    }
    var told = new HashSet<String>();
    for (Condition condition : conditions) {
      requireKnown("conditions", condition.name(), known);
      checkArgument(
          told.add(condition.name()), "conditions: '%s' is there twice", condition.name());
    }
  }

  private static void requireKnown(String reader, String value, Set<String> known) {
    checkArgument(
        known.contains(value),
        "%s: nothing before it gives the value '%s', only %s are given",
        reader,
        value,
        known);
  }

  /** The same with denoisers of which more is known. */
  public Flow withDenoisers(List<Expert> others) {
    return new Flow(components, others, texts, conditions, sizes, pictures);
  }

  /**
   * The same with prompts of another length, for the texts of whose rows {@link #TEXT_ROWS} counts;
   * others, such as one that is pooled, keep theirs.
   */
  public Flow withTextRows(int rows) {
    Long own = sizes.get(TEXT_ROWS);
    if (own == null) {
      return this;
    }
    var others = new TreeMap<>(sizes);
    others.put(TEXT_ROWS, (long) rows);
    return new Flow(
        components,
        denoisers,
        texts.stream().map(text -> text.maxLength() == own ? text.withLength(rows) : text).toList(),
        conditions,
        others,
        pictures);
  }

  /** The same told of pictures. */
  public Flow withPictures(PictureUse use) {
    return new Flow(components, denoisers, texts, conditions, sizes, Optional.of(use));
  }

  /** Whether a picture takes the place of the first latent frame, of which nothing is predicted. */
  public boolean givesFirstFrame() {
    return pictures.filter(use -> use.given() == PictureUse.Given.FIRST_FRAME).isPresent();
  }

  /** The description of a component. */
  public Optional<ComponentDescription> find(String name) {
    return components.stream().filter(component -> component.name().equals(name)).findFirst();
  }

  /** The denoiser that is asked at a time, on the checkpoint's own scale. */
  public Expert expert(double timestep) {
    return denoisers.stream()
        .filter(expert -> timestep >= expert.leastTimestep())
        .findFirst()
        .orElseGet(() -> denoisers.get(denoisers.size() - 1));
  }

  /**
   * The first denoiser, whose name all LoRA keys of the model begin with, whichever they are for.
   */
  public String denoiser() {
    return denoisers.get(0).component();
  }

  /**
   * What users call a denoiser: of two, {@link #HIGH_NOISE} or {@link #LOW_NOISE}, as other tools
   * do; else by its component's name.
   */
  public String nameOf(String component) {
    if (denoisers.size() != 2) {
      return component;
    }
    return denoisers.get(0).component().equals(component) ? HIGH_NOISE : LOW_NOISE;
  }

  /**
   * The component of the denoiser that users call so, or that has the name itself.
   *
   * @throws IllegalArgumentException if there is none, naming those there are
   */
  public String named(String name) {
    return denoisers.stream()
        .map(Expert::component)
        .filter(component -> component.equals(name) || nameOf(component).equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    denoisers.size() == 1
                        ? "expected no denoiser but the model's only one, '%s', found '%s'; leave it out"
                            .formatted(denoiser(), name)
                        : "expected %s, found '%s'".formatted(denoiserNames(), name)));
  }

  /** What users call the denoisers, for error lines: {@code high_noise or low_noise}. */
  public String denoiserNames() {
    return denoisers.stream()
        .map(expert -> nameOf(expert.component()))
        .collect(Collectors.joining(" or "));
  }

  /**
   * The names of a denoiser and, before it, of what computes its part that does not change with the
   * steps.
   */
  public List<String> network(String denoiser) {
    String conditioning = ComponentDescription.conditioning(denoiser);
    return find(conditioning).isPresent() ? List.of(conditioning, denoiser) : List.of(denoiser);
  }

  /** The components of all denoisers. */
  public List<String> networks() {
    return denoisers.stream().flatMap(expert -> network(expert.component()).stream()).toList();
  }

  /** A condition by its name. */
  public Optional<Condition> condition(String name) {
    return conditions.stream().filter(condition -> condition.name().equals(name)).findFirst();
  }

  /**
   * The components that give a value, those first whose values others of them read; none for a
   * given value.
   */
  public List<ComponentDescription> writers(Collection<String> values) {
    var wanted = new HashSet<>(values);
    var needed = new LinkedHashMap<String, ComponentDescription>();
    for (int i = components.size() - 1; i >= 0; i--) {
      ComponentDescription component = components.get(i);
      if (component.writes().values().stream().anyMatch(wanted::contains)) {
        needed.put(component.name(), component);
        wanted.addAll(component.reads().values());
      }
    }
    return components.stream().filter(component -> needed.containsKey(component.name())).toList();
  }

  /** All that must be read or given to have some values: them, and whatever their writers read. */
  public Set<String> sources(Collection<String> values) {
    var sources = new LinkedHashSet<>(values);
    writers(values).forEach(component -> sources.addAll(component.reads().values()));
    return sources;
  }

  /** The components that a video cannot be made without: encoders, denoisers and decoder. */
  public List<String> generating() {
    return needed(ComponentDescription.VAE_DECODER);
  }

  /** The components that training cannot do without: encoders, denoisers and the clips' encoder. */
  public List<String> training() {
    return needed(ComponentDescription.VAE_ENCODER);
  }

  private List<String> needed(String codec) {
    var values =
        conditions.stream()
            .filter(condition -> !condition.optional())
            .map(Condition::name)
            .toList();
    var needed = new LinkedHashSet<String>();
    writers(values).forEach(encoder -> needed.add(encoder.name()));
    needed.addAll(networks());
    find(ComponentDescription.first(codec))
        .filter(first -> !first.optional())
        .ifPresent(first -> needed.add(first.name()));
    needed.add(codec);
    return List.copyOf(needed);
  }

  /** Whether a value depends on the picture. */
  public boolean isOfPicture(String value) {
    Set<String> sources = sources(List.of(value));
    return sources.contains(PICTURE) || sources.contains(PICTURE_PIXELS);
  }

  /** The conditions that prompts decide, or those that pictures do. */
  public List<Condition> conditions(boolean ofPictures) {
    return conditions.stream().filter(c -> isOfPicture(c.name()) == ofPictures).toList();
  }
}
