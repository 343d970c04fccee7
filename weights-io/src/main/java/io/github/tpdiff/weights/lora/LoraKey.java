package io.github.tpdiff.weights.lora;

import io.github.tpdiff.weights.CheckpointException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the name of a tensor in a LoRA file says.
 *
 * @param own the module's name in the file, without what tools put in front
 * @param target the diffusers name of the module, or of the tensor that is given in full
 */
record LoraKey(LoraFormat format, String component, String own, String target, Part part) {

  /** What the tensor is to its module. */
  enum Part {
    A("\\.lora_A(\\.[^.]+)?\\.weight|\\.lora_down(\\.[^.]+)?\\.weight|[._]lora\\.down\\.weight"),
    B("\\.lora_B(\\.[^.]+)?\\.weight|\\.lora_up(\\.[^.]+)?\\.weight|[._]lora\\.up\\.weight"),
    /** Of B, scaled as the product is. */
    BIAS("\\.lora_B(\\.[^.]+)?\\.bias|\\.lora_up(\\.[^.]+)?\\.bias"),
    ALPHA("\\.alpha"),
    /** Of a DoRA; PEFT's and LyCORIS's name. */
    MAGNITUDE("\\.lora_magnitude_vector(\\.[^.]+){0,2}|\\.dora_scale"),
    W1("\\.lokr_w1"),
    W1_LEFT("\\.lokr_w1_a"),
    W1_RIGHT("\\.lokr_w1_b"),
    W2("\\.lokr_w2"),
    W2_LEFT("\\.lokr_w2_a"),
    W2_RIGHT("\\.lokr_w2_b"),
    /** A change of a tensor in full, of which nothing but its name is known. */
    FULL("\\.diff|\\.w_norm"),
    FULL_BIAS("\\.diff_b|\\.b_norm"),
    FULL_TABLE("\\.diff_m");

    private final Pattern ending;

    Part(String ending) {
      this.ending = Pattern.compile("(.+?)(?:" + ending + ")");
    }
  }

  /** What tools put in front of a module's name, and whose form that is. */
  private static final Map<String, LoraFormat> PREFIXES = prefixes();

  private static Map<String, LoraFormat> prefixes() {
    Map<String, LoraFormat> prefixes = new LinkedHashMap<>();
    prefixes.put("transformer.", LoraFormat.DIFFUSERS);
    prefixes.put("unet.", LoraFormat.DIFFUSERS);
    prefixes.put("base_model.model.", LoraFormat.PEFT);
    prefixes.put("diffusion_model.", LoraFormat.COMFYUI);
    for (String other : List.of("model.", "module.", "pipe.", "dit.", "_orig_mod.")) {
      prefixes.put(other, LoraFormat.DIFFSYNTH);
    }
    return prefixes;
  }

  private static final Pattern KOHYA =
      Pattern.compile("(?:lora_(?:unet|transformer)|lycoris)[_.]+(.+)");

  private static final Pattern TEXT_ENCODER =
      Pattern.compile("(text_encoder|text_model|lora_te\\d?_|cond_stage_model).*");

  private static final Pattern SECOND_EXPERT = Pattern.compile("(lora_)?transformer_2[._].*");

  /** Modules that are a tensor themselves. */
  private static final Pattern TABLE =
      Pattern.compile("(.*\\.)?scale_shift_table|condition_embedder\\.image_embedder\\.pos_embed");

  private static final List<String> TABLES = List.of(".modulation", ".scale_shift_table");

  /** Far above any layer's; what stands in front is taken off again and again. */
  private static final int LONGEST_NAME = 1000;

  /** A module of a known network. */
  private record Place(LoraFormat format, String component, String own, String module) {}

  /**
   * Reads a name; empty when it names another kind of tensor or a part of a text encoder.
   *
   * @throws CheckpointException when it names a layer of no known denoiser
   */
  static Optional<LoraKey> parse(String origin, String name) {
    if (name.length() > LONGEST_NAME) {
      throw new CheckpointException(
          "%s: tensor of a LoRA: expected a name of at most %d characters, found %d: '%s…'"
              .formatted(origin, LONGEST_NAME, name.length(), name.substring(0, 80)));
    }
    String dotted = name.replace('/', '.');
    for (Part part : Part.values()) {
      Matcher matcher = part.ending.matcher(dotted);
      if (matcher.matches()) {
        String stem = matcher.group(1);
        Optional<LoraKey> key =
            part.compareTo(Part.FULL) < 0
                ? place(stem).map(place -> key(place, place.module(), part))
                : full(stem, part);
        if (key.isEmpty() && !isOfTextEncoder(stem)) {
          throw unknown(origin, name, stem);
        }
        boolean downUp = dotted.contains("lora.down.") || dotted.contains("lora.up.");
        return downUp ? key.map(LoraKey::asDownUp) : key;
      }
    }
    return Optional.empty();
  }

  private static LoraKey key(Place place, String target, Part part) {
    return new LoraKey(place.format(), place.component(), place.own(), target, part);
  }

  private LoraKey asDownUp() {
    return new LoraKey(LoraFormat.DOWN_UP, component, own, target, part);
  }

  /** The tensor that a change in full is added to. */
  private static Optional<LoraKey> full(String stem, Part part) {
    if (part == Part.FULL_TABLE) {
      return TABLES.stream()
          .flatMap(table -> place(stem + table).stream())
          .findFirst()
          .map(place -> key(place, place.module(), Part.FULL));
    }
    String ending = part == Part.FULL_BIAS ? ".bias" : ".weight";
    for (String given : List.of(".weight", ".bias")) {
      if (part == Part.FULL && stem.endsWith(given)) {
        return place(stem.substring(0, stem.length() - given.length()))
            .map(place -> key(place, place.module() + given, Part.FULL));
      }
    }
    return place(stem)
        .map(
            place -> {
              boolean table = part == Part.FULL && TABLE.matcher(place.module()).matches();
              return key(place, table ? place.module() : place.module() + ending, Part.FULL);
            });
  }

  /** Takes off what stands in front until a known network has the rest. */
  private static Optional<Place> place(String stem) {
    Optional<LoraFormat> format = Optional.empty();
    String rest = stem;
    while (true) {
      Optional<Place> found = named(rest, format.orElse(LoraFormat.DIFFSYNTH));
      if (found.isPresent()) {
        return found;
      }
      String name = rest;
      Optional<Map.Entry<String, LoraFormat>> prefix =
          PREFIXES.entrySet().stream().filter(e -> name.startsWith(e.getKey())).findFirst();
      if (prefix.isEmpty()) {
        return Optional.empty();
      }
      // Bare names with a wrapper's prefix have the form of what the wrapper holds.
      format =
          format
              .filter(known -> known != LoraFormat.DIFFSYNTH)
              .or(() -> prefix.map(Map.Entry::getValue));
      rest = rest.substring(prefix.get().getKey().length());
    }
  }

  private static Optional<Place> named(String name, LoraFormat format) {
    Matcher kohya = KOHYA.matcher(name);
    boolean underscored = kohya.matches();
    String own = underscored ? kohya.group(1) : name;
    for (LoraNetwork network : LoraNetwork.values()) {
      Optional<String> module =
          underscored
              ? network.keys().underscoredToDiffusers(own.replace('.', '_'))
              : network.keys().moduleToDiffusers(attentionLayer(own));
      if (module.isPresent()) {
        return Optional.of(
            new Place(
                underscored ? LoraFormat.KOHYA : format, network.component(), own, module.get()));
      }
    }
    return Optional.empty();
  }

  /** AnimateDiff's own files put layers into processors. */
  private static String attentionLayer(String name) {
    String layer = name.replace(".processor.", ".");
    return layer.endsWith(".to_out") ? layer + ".0" : layer;
  }

  private static String withoutPrefixes(String stem) {
    String rest = stem;
    for (boolean shorter = true; shorter; ) {
      shorter = false;
      for (String prefix : PREFIXES.keySet()) {
        if (rest.startsWith(prefix)) {
          rest = rest.substring(prefix.length());
          shorter = true;
        }
      }
    }
    return rest;
  }

  private static boolean isOfTextEncoder(String stem) {
    return TEXT_ENCODER.matcher(withoutPrefixes(stem)).matches();
  }

  private static CheckpointException unknown(String origin, String name, String stem) {
    return new CheckpointException(
        SECOND_EXPERT.matcher(withoutPrefixes(stem)).matches()
            ? "%s: tensor '%s' changes the second expert of Wan 2.2 (transformer_2, low noise), expected a LoRA of one transformer in a file of its own"
                .formatted(origin, name)
            : "%s: tensor '%s': expected a layer of a known network (%s), found '%s'"
                .formatted(origin, name, LoraNetwork.labels(), stem));
  }
}
