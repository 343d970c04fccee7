package io.github.tpdiff.runtime.onnx;

import io.github.tpdiff.runtime.model.PictureUse;
import io.github.tpdiff.runtime.model.PictureUse.Given;
import io.github.tpdiff.runtime.model.PictureUse.Last;
import io.github.tpdiff.runtime.onnx.SamplingGuide.Axes;
import io.github.tpdiff.runtime.onnx.SamplingGuide.DenoiserGuide;
import io.github.tpdiff.runtime.onnx.SamplingGuide.Diffusion;
import io.github.tpdiff.runtime.onnx.SamplingGuide.GraphGuide;
import io.github.tpdiff.runtime.onnx.SamplingGuide.PictureGuide;
import io.github.tpdiff.runtime.onnx.SamplingGuide.StageGuide;
import io.github.tpdiff.runtime.onnx.SamplingGuide.ValueGuide;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A folder's guide in words: a template whose {@code {{names}}} are filled in. */
record FolderReadme(SamplingGuide guide) {

  String text() throws IOException {
    String text = FolderGuide.resource(FolderGuide.README);
    for (Map.Entry<String, String> value : values().entrySet()) {
      text = text.replace("{{" + value.getKey() + "}}", value.getValue());
    }
    return text;
  }

  private Map<String, String> values() {
    Diffusion diffusion = guide.diffusion();
    var values = new LinkedHashMap<String, String>();
    values.put("family", guide.family());
    values.put("version", guide.version());
    values.put("from", guide.pictures().map(pictures -> from(pictures.use())).orElse("text"));
    values.put("options", options().map(" "::concat).collect(Collectors.joining()));
    values.put("told", told());
    values.put("modules", needed().findAny().isPresent() ? "pictures, sample" : "sample");
    values.put("targets", targets());
    values.put("pictures", pictures());
    values.put("pyramid", pyramid());
    values.put("tokenizers", tokenizers());
    values.put("graphs", graphs());
    values.put("texts", texts());
    values.put("encoders", names(guide.encoders()));
    values.put("conditions", names(guide.conditions().stream().map(c -> c.name()).toList()));
    values.put("latents", diffusion.latents());
    values.put("line", diffusion.line());
    values.put("predicts", diffusion.predicts());
    values.put("slope", diffusion.slope());
    values.put("guidance", diffusion.guidance());
    values.put("noise", diffusion.noise());
    values.put("solver", "`" + diffusion.solver() + "`");
    values.put("stages", stages());
    values.put("defaults", defaults());
    values.put("denoisers", denoisers());
    values.put(
        "first_frame",
        guide.latents().firstMean().isEmpty()
            ? ""
            : "; the first latent frame has its own, `first_mean` and `first_std`");
    values.put(
        "decoder",
        guide
            .decoder()
            .map(decoder -> decoder.rule())
            .orElse("There is no decoder in this folder."));
    return values;
  }

  private static String from(PictureUse use) {
    return use.given() == Given.FIRST_FRAME ? "text, and a picture," : "picture and text";
  }

  /** The pictures that there must be, as options of the program. */
  private Stream<String> options() {
    return needed().map(name -> "--%s %s.png".formatted(name.replace('_', '-'), name));
  }

  /** The same in Python. */
  private String told() {
    return needed()
        .map(name -> "\"%s.png\"".formatted(name))
        .reduce((first, last) -> first + ", " + last)
        .map("pictures.given(graphs, guide, shape, %s)"::formatted)
        .orElse("{}");
  }

  private Stream<String> needed() {
    return guide.pictures().map(PictureGuide::use).stream()
        .filter(use -> use.given() == Given.CLIP)
        .flatMap(
            use ->
                use.last() == Last.ALWAYS
                    ? Stream.of("picture", "last_picture")
                    : Stream.of("picture"));
  }

  private String pictures() {
    return guide
        .pictures()
        .map(
            own ->
                "## From pictures to conditions\n\n"
                    + "The condition `%s` is made by these rules: see [pictures.py](pictures.py).\n\n%s\n\n%s\n\n"
                        .formatted(own.condition(), sentences(own.rule()), own.encoder().rule()))
        .orElse("");
  }

  /** A line for each. */
  private static String sentences(String rule) {
    return "- " + rule.replace(". ", ".\n- ");
  }

  /** What the latents of a stage are. */
  private String targets() {
    return switch (guide.pyramid().targets()) {
      case LATENT -> "those of the video, with places dropped";
      case PIXEL -> "those of a smaller video, with frames dropped and pixels averaged";
    };
  }

  private String pyramid() {
    int stages = guide.stages().size();
    if (stages == 1) {
      return "in one stage";
    }
    Axes strides = guide.stages().get(0).strides();
    return "in %s stages that rise in %s"
        .formatted(
            stages,
            Stream.of(
                    rise("frame rate", strides.time()),
                    rise("height", strides.height()),
                    rise("width", strides.width()))
                .flatMap(Optional::stream)
                .collect(Collectors.joining(", ")));
  }

  private static Optional<String> rise(String what, int stride) {
    return stride == 1 ? Optional.empty() : Optional.of(what + " from 1/" + stride);
  }

  private String tokenizers() {
    return guide.texts().stream()
        .map(
            text ->
                "| `%s/` | a tokenizer, as transformers writes it |".formatted(text.tokenizer()))
        .collect(Collectors.joining("\n"));
  }

  private String graphs() {
    return guide.graphs().stream().map(FolderReadme::graph).collect(Collectors.joining("\n\n"));
  }

  private static String graph(GraphGuide graph) {
    return "**[%s](%s)** runs once for each %s; %s.\n\n| | name | type, shape | what |\n|---|---|---|---|\n%s%s"
        .formatted(
            graph.file(),
            graph.file(),
            graph.runs(),
            graph.precision().meaning(),
            rows("in", graph.inputs()),
            rows("out", graph.outputs()))
        .stripTrailing();
  }

  /** A row for each value; one for those that follow each other and are alike, such as states. */
  private static String rows(String direction, Map<String, ValueGuide> values) {
    var alike = new LinkedHashMap<String, List<String>>();
    var shapes = new LinkedHashMap<String, Set<String>>();
    values.forEach(
        (name, value) -> {
          alike.computeIfAbsent(value.meaning(), meaning -> new ArrayList<>()).add(name);
          shapes
              .computeIfAbsent(value.meaning(), meaning -> new LinkedHashSet<>())
              .add(value.type() + " " + value.shape());
        });
    return alike.entrySet().stream()
        .map(
            group ->
                "| %s | %s | %s | %s |\n"
                    .formatted(
                        direction,
                        range(group.getValue()),
                        shape(Objects.requireNonNull(shapes.get(group.getKey()))),
                        group.getKey()))
        .collect(Collectors.joining());
  }

  private static String range(List<String> names) {
    String first = "`" + names.get(0) + "`";
    return names.size() == 1
        ? first
        : "%s to `%s`, %s of them".formatted(first, names.get(names.size() - 1), names.size());
  }

  private static String shape(Set<String> shapes) {
    return shapes.size() == 1 ? shapes.iterator().next() : "each its own";
  }

  private String texts() {
    return guide.texts().stream()
        .map(
            text ->
                "- **%s**: [1, %s] `%s.input_ids` and `%s.attention_mask`. %s"
                    .formatted(
                        text.tokenizer(),
                        text.maxLength(),
                        text.tokenizer(),
                        text.tokenizer(),
                        text.rule()))
        .collect(Collectors.joining("\n"));
  }

  private String stages() {
    return guide.stages().stream()
        .map(FolderReadme::stage)
        .collect(
            Collectors.joining(
                "\n",
                "| stage | latent frames x rows x columns | strides | time | steps | scale on entry |"
                    + " prediction scale |\n"
                    + "|---|---|---|---|---|---|---|\n",
                ""));
  }

  private static String stage(StageGuide stage) {
    return "| %s | %s | %s | %s to %s | %s | %s | %s |"
        .formatted(
            stage.stage(),
            product(stage.latentShape().subList(2, 5)),
            product(
                List.of(stage.strides().time(), stage.strides().height(), stage.strides().width())),
            number(stage.start()),
            number(stage.end()),
            stage.steps().size(),
            stage.entry().map(entry -> number(entry.scale())).orElse("noise"),
            number(stage.predictionScale()));
  }

  private static String product(List<Integer> numbers) {
    return numbers.stream().map(String::valueOf).collect(Collectors.joining(" x "));
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.6g", value);
  }

  private String defaults() {
    var defaults = guide.defaults();
    return "%s frames of %s x %s at %s frames a second, latents %s, %s steps"
        .formatted(
            defaults.frames(),
            defaults.width(),
            defaults.height(),
            defaults.fps(),
            defaults.latentShape(),
            defaults.steps());
  }

  private String denoisers() {
    return guide.denoisers().stream().map(FolderReadme::denoiser).collect(Collectors.joining(" "))
        + guidance(guide.diffusion());
  }

  private static String guidance(SamplingGuide.Diffusion diffusion) {
    String scales =
        diffusion.stageGuidance().isEmpty()
            ? ""
            : " In their place each stage has its own guidance scale, `stage_guidance`: %s."
                .formatted(diffusion.stageGuidance());
    return diffusion.guidanceInterval().isEmpty()
        ? scales
        : scales
            + " Guidance takes part where `to < tau <= from` alone, the pairs of"
            + " `guidance_interval`: %s; elsewhere the scale is 1."
                .formatted(diffusion.guidanceInterval());
  }

  private static String denoiser(DenoiserGuide denoiser) {
    return "`%s` is asked at timesteps from %s up, with guidance scale %s%s."
        .formatted(
            denoiser.component(),
            denoiser.leastTimestep(),
            denoiser.guidanceScale(),
            denoiser
                .conditioning()
                .map("; `%s` runs before it, once for each prompt and stage"::formatted)
                .orElse(""));
  }

  private static String names(List<String> names) {
    return names.isEmpty()
        ? "none"
        : names.stream().map("`%s`"::formatted).collect(Collectors.joining(", "));
  }
}
