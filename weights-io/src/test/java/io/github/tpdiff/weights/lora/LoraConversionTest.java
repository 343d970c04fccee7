package io.github.tpdiff.weights.lora;

import static io.github.tpdiff.weights.lora.LoraSamples.assertSame;
import static io.github.tpdiff.weights.lora.LoraSamples.own;
import static io.github.tpdiff.weights.lora.LoraSamples.pair;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.FileGoldens;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A LoRA from every form to every other. */
class LoraConversionTest {
  private static final Path WAN = FileGoldens.resource("lora");
  private static final List<LoraFormat> FORMS =
      List.of(LoraFormat.DIFFUSERS, LoraFormat.PEFT, LoraFormat.COMFYUI, LoraFormat.KOHYA);

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(names = {"DIFFUSERS", "PEFT", "COMFYUI", "KOHYA"})
  void modulesOfDifferentRankAndAlpha_surviveEveryForm(LoraFormat format) {
    Map<String, LoraPair> pairs = new TreeMap<>();
    pairs.put("blocks.0.attn1.to_q", pair(2, 1, 3, 3));
    pairs.put("blocks.0.attn2.add_k_proj", pair(2, 1, 3, 5));
    pairs.put("blocks.10.ffn.net.0.proj", pair(3, 0.25, 7, 3));
    pairs.put("blocks.1.attn1.to_out.0", pair(2, 0.75, 3, 3));
    pairs.put("condition_embedder.time_embedder.linear_1", pair(2, 1, 2, 4));
    Map<String, String> metadata = Map.of("tpdiff.stage_plan", "{\"stages\": 3}\n", "é", "");
    LoraWeights weights = new LoraWeights("transformer", pairs, metadata);
    Path path = folder.resolve("out.safetensors");
    LoraWriter.write(path, weights, format, DType.F32);
    LoraFile read = LoraFile.read(path);
    assertThat(read.format()).isEqualTo(format);
    assertThat(own(read.weights())).isEqualTo(metadata);
    assertThat(read.weights().pairs().keySet()).isEqualTo(pairs.keySet());
    pairs.forEach(
        (module, pair) -> {
          LoraPair other = Objects.requireNonNull(read.weights().pairs().get(module));
          assertThat(other.scale()).as(module).isEqualTo(pair.scale());
          assertThat(other.rank()).isEqualTo(pair.rank());
          assertThat(other.a()).isEqualTo(pair.a());
          assertThat(other.b()).isEqualTo(pair.b());
        });
  }

  /** Every file of the goldens, in every form that can hold it, and from that in every other. */
  @ParameterizedTest
  @CsvSource({
    "lora, 4",
    "lora-no-metadata, 4",
    "lora-musubi, 4",
    "lora-comfyui, 4",
    "lora-comfyui-alpha, 4",
    "lora-peft, 4",
    "animatediff/lora, 2",
    "animatediff/lora-down-up, 2",
    "animatediff/lora-kohya-spatial, 4",
    "animatediff/motion_lora.ckpt, 2",
    "animatediff/domain_adapter.ckpt, 4"
  })
  void convertedFromEveryFormToEveryOther_isTheSameInEveryBit(String path, int forms) {
    LoraFile source = LoraFile.read(WAN.resolve(path));
    List<LoraFormat> able = new ArrayList<>();
    for (LoraFormat first : LoraFormat.values()) {
      try {
        LoraFile once = written(source.weights(), first, source.dtype());
        able.add(first);
        assertThat(once.format()).isEqualTo(first);
        assertThat(once.dtype()).isEqualTo(source.dtype());
        assertSame(once.weights(), source.weights());
      } catch (CheckpointException cannot) {
        assertThat(cannot)
            .hasMessageMatching("(?s).*(are read, never written|; write it as DIFFUSERS or PEFT)");
      }
    }
    assertThat(able).hasSize(forms);
    for (LoraFormat first : able) {
      LoraWeights once = written(source.weights(), first, source.dtype()).weights();
      for (LoraFormat second : able) {
        assertSame(written(once, second, source.dtype()).weights(), source.weights());
      }
    }
  }

  private LoraFile written(LoraWeights weights, LoraFormat format, DType dtype) {
    Path path = folder.resolve(format.name() + ".safetensors");
    LoraWriter.write(path, weights, format, dtype);
    return LoraFile.read(path);
  }

  @Property(tries = 200)
  void alphaOfAnyRank_isWhatTheFileSaid(
      @ForAll @IntRange(min = 1, max = 512) int rank, @ForAll @IntRange(max = 4096) int alpha) {
    LoraPair pair = LoraPair.ofAlpha(rank, alpha, new float[rank], new float[rank]);
    assertThat(pair.alpha()).isEqualTo(alpha);
    assertThat(pair.scale()).isEqualTo((double) alpha / rank);
  }

  /** Layers of each family's network under the names of each form, by hand. */
  @ParameterizedTest
  @CsvSource({
    "transformer, blocks.7.attn2.to_out.0, blocks.7.cross_attn.o, blocks_7_cross_attn_o",
    "transformer, blocks.0.ffn.net.0.proj, blocks.0.ffn.0, blocks_0_ffn_0",
    "transformer, transformer_blocks.3.attn.add_q_proj, transformer_blocks.3.attn.add_q_proj,"
        + " transformer_blocks_3_attn_add_q_proj",
    "transformer, single_transformer_blocks.12.proj_mlp, single_transformer_blocks.12.proj_mlp,"
        + " single_transformer_blocks_12_proj_mlp",
    "unet, down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k,"
        + " input_blocks.4.1.transformer_blocks.0.attn2.to_k,"
        + " down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k",
    "unet, mid_block.attentions.0.transformer_blocks.0.ff.net.2,"
        + " middle_block.1.transformer_blocks.0.ff.net.2,"
        + " mid_block_attentions_0_transformer_blocks_0_ff_net_2",
  })
  void layerOfEachFamily_hasTheNameOfEachForm(
      String component, String module, String comfyUi, String kohya) {
    var weights = new LoraWeights(component, Map.of(module, pair(2, 1, 3, 3)), Map.of());
    assertThat(stems(weights, LoraFormat.DIFFUSERS)).containsExactly(component + "." + module);
    assertThat(stems(weights, LoraFormat.PEFT)).containsExactly("base_model.model." + module);
    assertThat(stems(weights, LoraFormat.COMFYUI)).containsExactly("diffusion_model." + comfyUi);
    assertThat(stems(weights, LoraFormat.KOHYA)).containsExactly("lora_unet_" + kohya);
  }

  private Set<String> stems(LoraWeights weights, LoraFormat format) {
    Path path = folder.resolve("stems-" + format);
    LoraWriter.write(path, weights, format, DType.F32);
    Path file = format == LoraFormat.PEFT ? path.resolve(LoraFile.PEFT_WEIGHTS) : path;
    var stems = new TreeSet<String>();
    try (TensorSource written = SafetensorsFile.open(file)) {
      written.names().stream()
          .filter(name -> !name.endsWith(".alpha"))
          .forEach(name -> stems.add(name.substring(0, name.indexOf(".lora_"))));
    }
    return stems;
  }

  /** A family's denoiser, and how many of the four forms hold its LoRAs. */
  private enum Family {
    WAN("transformer", 4),
    MINIFLUX("transformer", 4),
    STABLE_DIFFUSION("unet", 4),
    MOTION_MODULES("unet", 2);

    private final String component;
    private final int forms;

    Family(String component, int forms) {
      this.component = component;
      this.forms = forms;
    }

    /** Some layers, {@code #} for a number, {@code #2} for one below 2. */
    private List<String> layers() {
      return switch (this) {
        case WAN ->
            List.of(
                "blocks.#.attn1.to_q",
                "blocks.#.attn1.to_out.0",
                "blocks.#.attn2.to_k",
                "blocks.#.attn2.add_v_proj",
                "blocks.#.ffn.net.0.proj",
                "blocks.#.ffn.net.2",
                "condition_embedder.text_embedder.linear_1",
                "proj_out");
        case MINIFLUX ->
            List.of(
                "transformer_blocks.#.attn.to_q",
                "transformer_blocks.#.attn.to_out.0",
                "transformer_blocks.#.attn.add_v_proj",
                "transformer_blocks.#.attn.to_add_out",
                "transformer_blocks.#.ff.net.0.proj",
                "transformer_blocks.#.ff_context.net.2",
                "transformer_blocks.#.norm1_context.linear",
                "single_transformer_blocks.#.attn.to_v",
                "single_transformer_blocks.#.proj_mlp",
                "single_transformer_blocks.#.proj_out",
                "context_embedder",
                "norm_out.linear",
                "proj_out");
        case STABLE_DIFFUSION ->
            List.of(
                "down_blocks.#4.attentions.#2.transformer_blocks.0.attn1.to_q",
                "down_blocks.#4.attentions.#2.transformer_blocks.0.ff.net.0.proj",
                "down_blocks.#4.resnets.#2.time_emb_proj",
                "down_blocks.#4.attentions.#2.proj_in",
                "mid_block.attentions.0.transformer_blocks.0.attn2.to_v",
                "up_blocks.#4.attentions.#3.transformer_blocks.0.attn2.to_out.0",
                "time_embedding.linear_2");
        case MOTION_MODULES ->
            List.of(
                "down_blocks.#.motion_modules.#.transformer_blocks.#.attn1.to_q",
                "mid_block.motion_modules.#.transformer_blocks.#.attn2.to_out.0",
                "up_blocks.#.motion_modules.#.transformer_blocks.#.ff.net.2",
                "up_blocks.#.motion_modules.#.proj_in",
                // A spatial layer among them.
                "up_blocks.1.attentions.#3.transformer_blocks.0.attn2.to_out.0");
      };
    }

    /** Some of its layers, each with numbers of its own. */
    LoraWeights some(Random random) {
      Map<String, LoraPair> pairs = new TreeMap<>();
      List<String> layers = layers();
      pairs.put(numbered(layers.get(0), random), drawn(random));
      for (int i = 0; i < 6; i++) {
        String layer = layers.get(random.nextInt(layers.size()));
        pairs.put(numbered(layer, random), drawn(random));
      }
      return new LoraWeights(component, pairs, Map.of("tpdiff.seed", "" + random.nextInt()));
    }

    private static String numbered(String layer, Random random) {
      return Pattern.compile("#(\\d?)")
          .matcher(layer)
          .replaceAll(
              found ->
                  ""
                      + random.nextInt(
                          found.group(1).isEmpty() ? 40 : Integer.parseInt(found.group(1))));
    }

    private static LoraPair drawn(Random random) {
      int rank = 1 + random.nextInt(4);
      float[] a = new float[rank * (1 + random.nextInt(5))];
      float[] b = new float[(1 + random.nextInt(5)) * rank];
      for (float[] values : List.of(a, b)) {
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) random.nextGaussian();
        }
      }
      return LoraPair.ofAlpha(rank, 1 + random.nextInt(16), a, b);
    }
  }

  @Property(tries = 150)
  void layersOfEveryFamily_surviveEveryFormAndEveryOtherAfterIt(
      @ForAll Family family, @ForAll long seed) throws IOException {
    LoraWeights weights = family.some(new Random(seed));
    Path place = Files.createTempDirectory("forms");
    try {
      List<LoraWeights> held = new ArrayList<>();
      for (LoraFormat format : FORMS) {
        try {
          LoraWriter.write(place.resolve(format.name()), weights, format, DType.F32);
        } catch (CheckpointException cannot) {
          assertThat(cannot).hasMessageEndingWith("; write it as DIFFUSERS or PEFT");
          continue;
        }
        LoraFile read = LoraFile.read(place.resolve(format.name()));
        assertThat(read.format()).isEqualTo(format);
        assertThat(read.ignored()).isEmpty();
        assertSame(read.weights(), weights);
        held.add(read.weights());
      }
      assertThat(held).hasSize(family.forms);
      for (LoraWeights once : held) {
        for (LoraFormat format : FORMS.subList(0, family.forms)) {
          Path again = place.resolve("again-" + format);
          LoraWriter.write(again, once, format, DType.F32);
          assertSame(LoraFile.read(again).weights(), weights);
        }
      }
    } finally {
      try (Stream<Path> all = Files.walk(place)) {
        for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      }
    }
  }
}
