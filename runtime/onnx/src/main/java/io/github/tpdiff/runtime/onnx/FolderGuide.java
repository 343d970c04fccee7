package io.github.tpdiff.runtime.onnx;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import com.google.common.io.Resources;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * What makes an exported folder explain itself: its sampling as numbers ({@link SamplingGuide}),
 * the same in words, and programs that sample with it in NumPy.
 */
record FolderGuide(SamplingGuide guide) {
  static final String README = "README.md";

  /** Written as it is, where LoRAs can be put on. */
  static final String LORAS = "LORAS.md";

  /** Written as they are. */
  static final List<String> PROGRAMS =
      List.of("sample.py", "stages.py", "solvers.py", "pictures.py", "plan.py");

  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .addModule(new Jdk8Module())
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enumNamingStrategy(constant -> constant.toLowerCase(Locale.ROOT))
          .defaultPropertyInclusion(
              JsonInclude.Value.construct(
                  JsonInclude.Include.NON_ABSENT, JsonInclude.Include.ALWAYS))
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .build();

  /**
   * The guide of a model.
   *
   * @param stages with their boundaries said
   */
  static FolderGuide of(VideoModel model, Precisions precisions, StageConfig stages) {
    ModelDescription description = model.description();
    var sampling = new GuideResolver(description, stages);
    var flow = new FlowGuide(model, precisions);
    return new FolderGuide(
        new SamplingGuide(
            SamplingGuide.VERSION,
            description.family(),
            sampling.defaults(),
            sampling.diffusion(),
            sampling.pyramid(),
            sampling.stages(),
            description.latents(),
            flow.texts(),
            flow.encoders(),
            description.flow().conditions(),
            description.flow().sizes(),
            flow.denoisers(),
            flow.decoder(),
            flow.pictures(stages),
            flow.graphs()));
  }

  /** Writes the files. */
  void write(Path root, ExportRequest.Loras loras) throws IOException {
    if (loras == ExportRequest.Loras.AT_RUN_TIME) {
      AtomicFile.write(root.resolve(LORAS), resource(LORAS).getBytes(UTF_8));
    }
    AtomicFile.write(root.resolve(SamplingGuide.FILE), (json() + "\n").getBytes(UTF_8));
    AtomicFile.write(root.resolve(README), new FolderReadme(guide).text().getBytes(UTF_8));
    for (String program : PROGRAMS) {
      AtomicFile.write(root.resolve(program), resource(program).getBytes(UTF_8));
    }
  }

  /** Objects a field a line, lists of numbers in one: matrices and tables are long. */
  private String json() {
    var printer =
        new DefaultPrettyPrinter(
            Separators.createDefaultInstance()
                .withObjectFieldValueSpacing(Separators.Spacing.AFTER));
    try {
      return MAPPER.writer(printer).writeValueAsString(guide);
    } catch (JsonProcessingException failure) {
      throw new CheckpointException(
          "%s: cannot be written: %s".formatted(SamplingGuide.FILE, failure.getMessage()), failure);
    }
  }

  static String resource(String name) throws IOException {
    return Resources.toString(Resources.getResource(FolderGuide.class, name), UTF_8);
  }
}
