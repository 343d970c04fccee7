package io.github.tpdiff.conformance.family;

import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.model.ComponentDescription;
import io.github.tpdiff.runtime.model.Condition;
import io.github.tpdiff.runtime.model.Condition.Follows;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.model.Runs;
import io.github.tpdiff.runtime.model.Text;
import io.github.tpdiff.runtime.model.Tokenizers;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.text.UnigramTokenizerWriter;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/**
 * A family that only tests know: two text encoders, a picture that may be left out and whose
 * condition has the stage's frames, and two denoisers by time with guidance of their own. Whatever
 * it needs, the product has for every family.
 */
public final class TwoExpertsFamily implements ModelFamily {
  static final String HIGH = "transformer";
  static final String LOW = "transformer_2";
  private static final double BOUNDARY = 600;
  private static final String MARK = "two_experts";
  private static final List<String> WORDS =
      List.of("a", "red", "blue", "ball", "rolls", "to", "the", "right", "left", "and", "stops");

  @Override
  public String name() {
    return "two-experts";
  }

  @Override
  public boolean recognises(Path path) {
    return Files.exists(path.resolve(MARK));
  }

  @Override
  public List<String> parts() {
    return List.of();
  }

  /** The programs of all components by name. */
  static Map<String, Program> programs() {
    var programs = new LinkedHashMap<String, Program>();
    programs.put("text_encoder", TwoExpertsNetworks.states());
    programs.put("text_encoder_2", TwoExpertsNetworks.pooled());
    programs.put("image_encoder", TwoExpertsNetworks.picture());
    for (String expert : List.of(HIGH, LOW)) {
      programs.put(ComponentDescription.conditioning(expert), TwoExpertsNetworks.conditioning());
      programs.put(expert, TwoExpertsNetworks.denoiser());
    }
    programs.put(ComponentDescription.VAE_ENCODER, TwoExpertsNetworks.encoder());
    programs.put(ComponentDescription.VAE_DECODER, TwoExpertsNetworks.decoder());
    return programs;
  }

  /** Writes a checkpoint of random weights. */
  static void write(Path folder) throws IOException {
    var byFolder = new LinkedHashMap<String, MemoryTensors.Builder>();
    var random = new Random(1);
    programs()
        .forEach(
            (name, program) -> {
              var tensors =
                  byFolder.computeIfAbsent(
                      ComponentDescription.folderOf(name), own -> MemoryTensors.builder());
              program
                  .weights()
                  .forEach(
                      (weight, value) -> {
                        long[] shape = value.shape().evaluate(Map.of());
                        tensors.addFloats(
                            weight, Arrays.stream(shape).boxed().toList(), normal(shape, random));
                      });
            });
    for (Map.Entry<String, MemoryTensors.Builder> part : byFolder.entrySet()) {
      SafetensorsWriter.write(file(folder, part.getKey()), part.getValue().build());
    }
    new UnigramTokenizerWriter(WORDS, TwoExpertsNetworks.TEXT)
        .write(Files.createDirectories(folder.resolve("tokenizer")));
    Files.writeString(folder.resolve(MARK), "");
  }

  private static float[] normal(long[] shape, Random random) {
    int count = (int) Arrays.stream(shape).reduce(1, Math::multiplyExact);
    var values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextGaussian() / Math.sqrt((double) count / shape[0]));
    }
    return values;
  }

  private static Path file(Path folder, String part) {
    return folder.resolve("parts").resolve(part + ".safetensors");
  }

  @Override
  public VideoModel load(ModelRequest request) {
    var opened = new LinkedHashMap<String, TensorSource>();
    var components = new ArrayList<Component>();
    programs()
        .forEach(
            (name, program) -> {
              String part = ComponentDescription.folderOf(name);
              Path file = file(request.path(), part);
              if (Files.exists(file)) {
                TensorSource weights =
                    opened.computeIfAbsent(part, own -> SafetensorsFile.open(file));
                components.add(new Component(name, program, weights));
              }
            });
    var tokenizer =
        new Tokenizers.Files(request.path().resolve("tokenizer"), TwoExpertsNetworks.WORDS);
    return VideoModel.of(
        description(), components, new Tokenizers(Map.of("tokenizer", tokenizer)), List.of("to_q"));
  }

  private static ModelDescription description() {
    List<Double> ones = Collections.nCopies(TwoExpertsNetworks.CHANNELS, 1.0);
    List<Double> zeros = Collections.nCopies(TwoExpertsNetworks.CHANNELS, 0.0);
    return new ModelDescription(
        "two-experts",
        flow(),
        new ModelDescription.Latents(
            TwoExpertsNetworks.CHANNELS,
            TwoExpertsNetworks.FACTOR,
            1,
            false,
            64,
            TwoExpertsNetworks.FACTOR,
            zeros,
            ones),
        TargetScale.GLOBAL,
        Map.of("_class_name", "FlowMatchEulerDiscreteScheduler", "shift", 1.0),
        Map.of(),
        new ModelDescription.Defaults(32, 48, 8, 8, 6, 3));
  }

  private static Flow flow() {
    var text =
        new Text("tokenizer", TwoExpertsNetworks.TEXT, Text.Cleaning.NONE, Text.Padding.ENCODED);
    var components = new ArrayList<ComponentDescription>();
    components.add(
        ComponentDescription.of(
            "text_encoder",
            Runs.PROMPT,
            Map.of("input_ids", text.ids()),
            Map.of("last_hidden_state", TwoExpertsNetworks.STATES)));
    components.add(
        ComponentDescription.of(
            "text_encoder_2",
            Runs.PROMPT,
            Map.of("input_ids", text.ids()),
            Map.of("pooled", TwoExpertsNetworks.POOLED_ROW)));
    components.add(
        ComponentDescription.of(
                "image_encoder",
                Runs.PICTURE,
                Map.of("sample", Flow.PICTURE, "positions", Flow.POSITIONS),
                Map.of("latents", TwoExpertsNetworks.PICTURE_LATENTS))
            .asOptional());
    for (String expert : List.of(HIGH, LOW)) {
      components.add(
          ComponentDescription.of(
              ComponentDescription.conditioning(expert),
              Runs.PROMPT,
              Map.of(
                  TwoExpertsNetworks.STATES,
                  TwoExpertsNetworks.STATES,
                  TwoExpertsNetworks.POOLED_ROW,
                  TwoExpertsNetworks.POOLED_ROW),
              Map.of()));
      components.add(
          ComponentDescription.of(
              expert,
              Runs.STEP,
              Map.of(TwoExpertsNetworks.PICTURE_LATENTS, TwoExpertsNetworks.PICTURE_LATENTS),
              Map.of()));
    }
    for (String half :
        List.of(ComponentDescription.VAE_ENCODER, ComponentDescription.VAE_DECODER)) {
      components.add(ComponentDescription.of(half, Runs.CHUNK, Map.of(), Map.of()));
    }
    return new Flow(
        components,
        List.of(
            new Flow.Expert(HIGH, BOUNDARY, Optional.empty(), Optional.empty()),
            new Flow.Expert(LOW, 0, Optional.of(2.0), Optional.empty())),
        List.of(text),
        conditions(),
        Map.of());
  }

  private static List<Condition> conditions() {
    Program conditioning = TwoExpertsNetworks.conditioning();
    Program denoiser = TwoExpertsNetworks.denoiser();
    return List.of(
        condition(conditioning, TwoExpertsNetworks.STATES, Follows.NOTHING),
        condition(conditioning, TwoExpertsNetworks.POOLED_ROW, Follows.NOTHING),
        condition(denoiser, TwoExpertsNetworks.PICTURE_LATENTS, Follows.FRAMES).asOptional());
  }

  private static Condition condition(Program program, String name, Follows follows) {
    return Condition.of(name, program.inputs().get(name), follows);
  }
}
