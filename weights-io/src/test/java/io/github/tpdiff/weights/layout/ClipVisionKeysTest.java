package io.github.tpdiff.weights.layout;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.weights.FileGoldens;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The names of the published image encoder, {@code {i}} in the lists standing for every layer. */
class ClipVisionKeysTest {
  private static final int LAYERS = 32;
  private static final int TEXT_LAYERS = 24;

  /** 784 tensors, of which 391 are the text half's, one the scale and one the projection. */
  @Test
  void everyTensorOfTheAuthorsFile_isOneOfTransformersOrLeftOver() throws IOException {
    Set<String> original = names("clip-vision-original.txt");
    Set<String> transformers = names("clip-vision-transformers.txt");
    assertThat(original).hasSize(784);
    assertThat(transformers).hasSize(519);
    Contents contents = Contents.of(original);
    FoundNetwork found = contents.find(Network.CLIP_VISION_ENCODER).orElseThrow();
    assertThat(contents.networks()).hasSize(1);
    assertThat(found.layout()).isEqualTo(Layout.ORIGINAL);
    assertThat(found.prefix()).isEqualTo("visual.");
    assertThat(found.missing()).isEmpty();
    assertThat(contents.leftOver()).hasSize(393).contains("visual.head", "log_scale");
    try (TensorSource mapped = found.as(Layout.DIFFUSERS, rows(original))) {
      assertThat(mapped.names()).containsExactlyInAnyOrderElementsOf(transformers);
    }
    FoundNetwork turned = Contents.of(transformers).find(Network.CLIP_VISION_ENCODER).orElseThrow();
    assertThat(turned.missing()).isEmpty();
    Set<String> own = new TreeSet<>(found.plainNames());
    try (TensorSource mapped = turned.as(Layout.ORIGINAL, rows(transformers))) {
      assertThat(mapped.names()).containsExactlyInAnyOrderElementsOf(own);
    }
  }

  /** As transformers writes it from version 5 on; most names are also those of a text encoder. */
  @Test
  void namesWithoutTheirOutermostPart_areTheSameTensors() throws IOException {
    Set<String> transformers = names("clip-vision-transformers.txt");
    Set<String> bare =
        transformers.stream()
            .map(name -> name.substring("vision_model.".length()))
            .collect(Collectors.toCollection(TreeSet::new));
    Contents contents = Contents.of(bare);
    assertThat(contents.leftOver()).isEmpty();
    assertThat(contents.networks()).hasSize(1);
    FoundNetwork found = contents.find(Network.CLIP_VISION_ENCODER).orElseThrow();
    assertThat(found.layout()).isEqualTo(Layout.DIFFUSERS);
    assertThat(found.missing()).isEmpty();
    try (TensorSource mapped = Network.CLIP_VISION_ENCODER.asDiffusers(rows(bare))) {
      assertThat(mapped.names()).containsExactlyInAnyOrderElementsOf(transformers);
    }
  }

  /** A picture's positions, its class and the rows of queries, keys and values. */
  @Test
  void axesInFrontAndStackedRows_comeAndGo() {
    TensorSource original =
        MemoryTensors.builder()
            .addFloats("cls_embedding", List.of(1L, 1L, 2L), 1, 2)
            .addFloats("pos_embedding", List.of(1L, 3L, 2L), 1, 2, 3, 4, 5, 6)
            .addFloats("transformer.0.attn.to_qkv.bias", List.of(6L), 1, 2, 3, 4, 5, 6)
            .build();
    TensorSource mapped = Translation.fromOriginal(original, ClipVisionKeys.KEYS);
    assertThat(mapped.require("vision_model.embeddings.class_embedding").shape())
        .containsExactly(2L);
    assertThat(mapped.require("vision_model.embeddings.position_embedding.weight").shape())
        .containsExactly(3L, 2L);
    String attention = "vision_model.encoder.layers.0.self_attn.";
    assertThat(mapped.floats(attention + "q_proj.bias")).containsExactly(1, 2);
    assertThat(mapped.floats(attention + "k_proj.bias")).containsExactly(3, 4);
    assertThat(mapped.floats(attention + "v_proj.bias")).containsExactly(5, 6);
    TensorSource back = Translation.toOriginal(mapped, ClipVisionKeys.KEYS);
    for (String name : original.names()) {
      assertThat(back.require(name).shape()).isEqualTo(original.require(name).shape());
      assertThat(back.floats(name)).isEqualTo(original.floats(name));
    }
  }

  private static Set<String> names(String resource) throws IOException {
    return names(Files.readAllLines(FileGoldens.resource("layout/" + resource)));
  }

  private static Set<String> names(List<String> lines) {
    return lines.stream()
        .flatMap(
            line ->
                line.contains("{i}")
                    ? IntStream.range(0, line.startsWith("textual.") ? TEXT_LAYERS : LAYERS)
                        .mapToObj(i -> line.replace("{i}", Integer.toString(i)))
                    : IntStream.of(0).mapToObj(i -> line))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Tensors of as many rows as stack and split evenly. */
  private static TensorSource rows(Set<String> names) {
    var tensors = MemoryTensors.builder();
    names.forEach(name -> tensors.addFloats(name, List.of(3L), 0, 0, 0));
    return tensors.build();
  }
}
