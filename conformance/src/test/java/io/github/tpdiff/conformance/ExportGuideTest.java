package io.github.tpdiff.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentGrid;
import io.github.tpdiff.runtime.diffusion.NoiseSchedule;
import io.github.tpdiff.runtime.diffusion.SamplerStep;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.Stage;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.onnx.ExportRequest;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.weights.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whether an exported folder says enough for those who have it alone. */
final class ExportGuideTest {
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)]+)\\)");
  private static final Pattern KEY = Pattern.compile("\\[\"([a-z_]+)\"\\]");
  private static final Pattern FILE = Pattern.compile("\"([a-z_]+\\.json)\"");
  private static final Pattern IMPORT =
      Pattern.compile(
          "^ *(?:from|import) (solvers|stages|plan|pictures|sample)\\b", Pattern.MULTILINE);
  private static final List<String> PROGRAMS =
      List.of("sample.py", "stages.py", "solvers.py", "pictures.py", "plan.py");

  /** What the folders of models have that are told of pictures, in whichever way. */
  private static final Set<String> OF_PICTURES =
      Set.of(
          "condition",
          "mask_channels",
          "use",
          "given",
          "last",
          "geometry",
          "encoder",
          "input",
          "output",
          "next",
          "picture_pixels",
          "processor",
          "squashed",
          "shortest_edge",
          "filter",
          "crop",
          "rescale",
          "mean",
          "std",
          "pictures");

  @TempDir private Path folder;

  /** A made-up checkpoint of every family, and stages over time alone and over space. */
  static List<Arguments> exports() {
    return ModelFamily.all().stream()
        .flatMap(family -> family.templates().keySet().stream())
        .filter(name -> name.endsWith("-tiny"))
        .sorted()
        .flatMap(
            name ->
                Stream.of(
                    Arguments.of(name, GridFactor.ofTimes(2, 2)),
                    Arguments.of(name, List.of(new GridFactor(1, 2, 2), GridFactor.ofTime(2)))))
        .toList();
  }

  private ModelDescription export(String template, List<GridFactor> rates) {
    ModelFamily family =
        ModelFamily.all().stream()
            .filter(one -> one.templates().containsKey(template))
            .findFirst()
            .orElseThrow();
    Path checkpoint = folder.resolve("checkpoint");
    CheckpointTemplate tiny = Objects.requireNonNull(family.templates().get(template));
    tiny.write(
        new CheckpointTemplate.Order(
            checkpoint, DType.F32, tiny.defaultComponents(), (written, total) -> {}));
    try (VideoModel model = family.open(checkpoint)) {
      StageConfig stages = model.description().vanillaStages().withRates(rates);
      ExportedFolder.write(model, exported(), ExportRequest.of(StageChoice.of(stages)));
      return model.description();
    }
  }

  private Path exported() {
    return folder.resolve("exported");
  }

  private JsonNode guide() throws IOException {
    return new ObjectMapper().readTree(exported().resolve("tpdiff_sampling.json").toFile());
  }

  private String read(String file) throws IOException {
    return Files.readString(exported().resolve(file));
  }

  @ParameterizedTest
  @MethodSource("exports")
  void everythingThatTheFolderNames_isThere(String template, List<GridFactor> rates)
      throws IOException {
    export(template, rates);
    numbersAreThoseOfThePlan(template);
    pageLinksToFilesThatAreThere();
    graphsAreDescribedByTheNamesThatTheyHave();
    valuesFlowThroughAllGraphs();
    programsReadFilesAndFieldsThatAreThere();
  }

  private void numbersAreThoseOfThePlan(String template) throws IOException {
    JsonNode guide = guide();
    try (OnnxEngine engine = OnnxEngine.on(OnnxDevice.CPU);
        ExportedFolder parts = ExportedFolder.open(exported(), engine)) {
      ModelDescription description = parts.description();
      NoiseSchedule schedule = Scheduler.fromConfig(description.scheduler()).schedule();
      var grid =
          new LatentGrid(
              guide.at("/defaults/latent_shape/2").asInt(),
              guide.at("/defaults/latent_shape/3").asInt(),
              guide.at("/defaults/latent_shape/4").asInt());
      StagePlan plan = StagePlan.of(parts.stages(), schedule, grid);
      List<Integer> split = parts.stages().splitSteps(guide.at("/defaults/steps").asInt());
      assertThat(guide.path("stages")).as(template).hasSize(3);
      for (int i = 0; i < split.size(); i++) {
        Stage stage = plan.stages().get(i);
        JsonNode said = guide.path("stages").get(i);
        LatentGrid own = stage.grid().size();
        assertThat(said.at("/latent_shape/2").asInt()).isEqualTo(own.frames());
        assertThat(said.at("/latent_shape/3").asInt()).isEqualTo(own.height());
        assertThat(said.at("/latent_shape/4").asInt()).isEqualTo(own.width());
        assertThat(axes(said.path("strides"))).isEqualTo(stage.strides());
        assertThat(axes(said.path("position_strides"))).isEqualTo(stage.grid().positionStrides());
        assertThat(said.path("frames").asInt()).isEqualTo(stage.frames());
        assertThat(said.path("positions")).hasSize(stage.frames());
        assertThat(said.path("start").asDouble()).isEqualTo(stage.start());
        assertThat(said.path("end").asDouble()).isEqualTo(stage.end());
        assertThat(said.has("entry")).isEqualTo(i > 0);
        if (i > 0) {
          GridFactor rates = parts.stages().rates().get(i - 1);
          assertThat(axes(said.at("/entry/rates"))).isEqualTo(rates);
          assertThat(said.path("entry").has("noise_factor")).isEqualTo(rates.isOfTimeAlone());
          double sigma = schedule.form().sigma(stage.start());
          assertThat(said.at("/entry/variance").asDouble()).isEqualTo(sigma * sigma);
        }
        List<SamplerStep> steps = schedule.steps(split.get(i), stage.start(), stage.end());
        assertThat(said.path("steps")).hasSize(steps.size());
        for (int s = 0; s < steps.size(); s++) {
          JsonNode step = said.path("steps").get(s);
          assertThat(step.path("timestep").asDouble()).isEqualTo(steps.get(s).timestep());
          assertThat(step.at("/from/time").asDouble()).isEqualTo(steps.get(s).time());
          assertThat(step.at("/to/time").asDouble()).isEqualTo(steps.get(s).next());
          assertThat(step.at("/to/sigma").asDouble())
              .isEqualTo(schedule.form().sigma(steps.get(s).next()));
        }
      }
    }
  }

  private static GridFactor axes(JsonNode node) {
    return new GridFactor(
        node.path("time").asInt(), node.path("height").asInt(), node.path("width").asInt());
  }

  private void pageLinksToFilesThatAreThere() throws IOException {
    String page = read("README.md");
    assertThat(page).doesNotContain("{{");
    Set<String> links = all(LINK, page);
    assertThat(links).allSatisfy(link -> assertThat(exported().resolve(link)).isRegularFile());
    try (Stream<Path> files = Files.walk(exported())) {
      List<String> graphs =
          files
              .filter(file -> file.toString().endsWith(".onnx"))
              .map(file -> exported().relativize(file).toString().replace('\\', '/'))
              .toList();
      assertThat(links).containsAll(graphs).containsAll(PROGRAMS);
    }
  }

  private void graphsAreDescribedByTheNamesThatTheyHave() throws IOException {
    try (OnnxEngine engine = OnnxEngine.on(OnnxDevice.CPU);
        ExportedFolder parts = ExportedFolder.open(exported(), engine)) {
      var described = new TreeSet<String>();
      for (JsonNode graph : guide().path("graphs")) {
        String component = graph.path("component").asText();
        described.add(component);
        try (Executable executable = parts.load(component)) {
          assertThat(names(graph.path("inputs")))
              .as(component)
              .hasSameElementsAs(executable.inputNames());
          assertThat(names(graph.path("outputs")))
              .as(component)
              .hasSameElementsAs(executable.outputNames());
        }
      }
      assertThat(described).isEqualTo(new TreeSet<>(parts.components()));
    }
  }

  /** Plays a generation with names alone: what a graph reads must have been given or written. */
  private void valuesFlowThroughAllGraphs() throws IOException {
    JsonNode guide = guide();
    var known = new HashSet<String>(Set.of("positions"));
    JsonNode pictures = guide.path("pictures");
    if (!pictures.isMissingNode()) {
      runChunks(guide, pictures.path("encoder"));
      picturesAreSaidAsTheyAreTaken(guide, pictures);
      known.add(pictures.path("condition").asText());
      known.addAll(
          pictures.at("/use/encoder").isMissingNode() ? Set.of() : Set.of("picture_pixels"));
    }
    for (JsonNode text : guide.path("texts")) {
      known.add(text.path("tokenizer").asText() + ".input_ids");
      known.add(text.path("tokenizer").asText() + ".attention_mask");
    }
    for (JsonNode encoder : guide.path("encoders")) {
      run(guide, encoder.asText(), known);
    }
    for (JsonNode condition : guide.path("conditions")) {
      assertThat(known).contains(condition.path("name").asText());
    }
    known.addAll(List.of("hidden_states", "timestep", "temporal_positions"));
    known.addAll(List.of("row_positions", "column_positions"));
    for (JsonNode denoiser : guide.path("denoisers")) {
      if (denoiser.has("conditioning")) {
        run(guide, denoiser.path("conditioning").asText(), known);
      }
      run(guide, denoiser.path("component").asText(), known);
      assertThat(known).contains("out_hidden_states");
    }
    runChunks(guide, guide.path("decoder"));
  }

  private void picturesAreSaidAsTheyAreTaken(JsonNode guide, JsonNode pictures) throws IOException {
    for (JsonNode condition : guide.path("conditions")) {
      if (condition.path("name").equals(pictures.path("condition"))) {
        int channels = guide.at("/latents/channels").asInt();
        assertThat(condition.at("/shape/1").asInt())
            .isEqualTo(pictures.path("mask_channels").asInt() + channels);
        assertThat(read("README.md").contains("--picture picture.png"))
            .isNotEqualTo(condition.path("optional").asBoolean());
      }
    }
  }

  /** The first chunk of an autoencoder's half, and one that is given its state. */
  private static void runChunks(JsonNode guide, JsonNode codec) {
    String input = codec.path("input").asText();
    var chunk = new HashSet<String>(Set.of(input));
    run(guide, codec.path("first").asText(codec.path("next").asText()), chunk);
    var next = new HashSet<String>(Set.of(input));
    chunk.stream()
        .filter(name -> name.endsWith(".next"))
        .forEach(name -> next.add(name.substring(0, name.length() - ".next".length())));
    run(guide, codec.path("next").asText(), next);
    assertThat(next).contains(codec.path("output").asText());
  }

  private static void run(JsonNode guide, String component, Set<String> known) {
    for (JsonNode graph : guide.path("graphs")) {
      if (graph.path("component").asText().equals(component)) {
        graph
            .path("inputs")
            .forEach(
                input -> assertThat(known).as(component).contains(input.path("value").asText()));
        graph.path("outputs").forEach(output -> known.add(output.path("value").asText()));
        return;
      }
    }
    throw new AssertionError("no graph " + component);
  }

  private void programsReadFilesAndFieldsThatAreThere() throws IOException {
    var files = new HashSet<String>();
    try (Stream<Path> all = Files.walk(exported())) {
      all.forEach(file -> files.add(String.valueOf(file.getFileName())));
    }
    // Of a token that is written as an object, and of the schedule of one form or the other.
    var fields = new HashSet<String>(Set.of("content", "shift", "steps_offset", "final_time"));
    fields.addAll(OF_PICTURES);
    collect(guide(), fields);
    collect(new ObjectMapper().readTree(read("scheduler/tpdiff_stages.json")), fields);
    for (String program : PROGRAMS) {
      String text = read(program);
      assertThat(files).as(program).containsAll(all(FILE, text));
      assertThat(files)
          .as(program)
          .containsAll(all(IMPORT, text).stream().map(m -> m + ".py").toList());
      assertThat(fields).as(program).containsAll(all(KEY, text));
    }
  }

  private static void collect(JsonNode node, Set<String> fields) {
    fields.addAll(names(node));
    node.forEach(child -> collect(child, fields));
  }

  private static List<String> names(JsonNode object) {
    var names = new ArrayList<String>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  private static Set<String> all(Pattern pattern, String text) {
    var found = new TreeSet<String>();
    Matcher matcher = pattern.matcher(text);
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    return found;
  }
}
