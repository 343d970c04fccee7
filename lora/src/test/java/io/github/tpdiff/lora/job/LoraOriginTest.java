package io.github.tpdiff.lora.job;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.lora.data.ModelEncoders;
import io.github.tpdiff.lora.train.Trainer;
import io.github.tpdiff.lora.train.TrainingListener;
import io.github.tpdiff.lora.train.TrainingRun.Start;
import io.github.tpdiff.runtime.cost.Machine;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.CheckpointTemplate;
import io.github.tpdiff.runtime.model.ModelFamily;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.ReadLoras;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.runtime.video.VideoClip;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.lora.DoraPair;
import io.github.tpdiff.weights.lora.KroneckerPair;
import io.github.tpdiff.weights.lora.LayerChange;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraFormat;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.LoraWeights;
import io.github.tpdiff.weights.lora.LoraWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Kinds of changes that jobs train, what they begin with, and what lies below them. */
final class LoraOriginTest {
  private static final String JOB =
      """
      model: {path: checkpoint}
      data: {path: clips, sizes: [32x32x9], fps: 8, validation: 0.5}
      stages: {count: 2, alignment_window: 4}
      lora: {%s}
      train: {steps: %d, seed: 5, learning_rate: 1e-2, validate_every: 100}
      output: {folder: %s, dtype: f32, formats: [comfyui, kohya]}
      """;

  @TempDir private Path folder;

  @BeforeEach
  void makeCheckpointAndClips() throws IOException {
    CheckpointTemplate tiny = requireNonNull(family().templates().get("wan-tiny"));
    tiny.write(
        new CheckpointTemplate.Order(
            folder.resolve("checkpoint"), DType.F32, tiny.defaultComponents(), (w, t) -> {}));
    Files.createDirectory(folder.resolve("clips"));
    for (int i = 0; i < 2; i++) {
      float[] data = new float[3 * 10 * 32 * 32];
      for (int j = 0; j < data.length; j++) {
        data[j] = (float) Math.sin(0.01 * j * (i + 1));
      }
      VideoWriter.write(folder.resolve("clips/" + i + ".mp4"), new VideoClip(data, 10, 32, 32, 8));
      Files.writeString(folder.resolve("clips/" + i + ".txt"), "waves, number " + i);
    }
  }

  private static ModelFamily family() {
    return ModelFamily.all().stream()
        .filter(f -> f.templates().containsKey("wan-tiny"))
        .findFirst()
        .orElseThrow();
  }

  private VideoModel checkpoint() {
    return family().open(folder.resolve("checkpoint"));
  }

  private ResolvedJob job(VideoModel model, String lora, int steps, String out) throws IOException {
    Path file = folder.resolve(out + ".yaml");
    Files.writeString(file, JOB.formatted(lora, steps, out));
    return ResolvedJob.of(TrainingJob.read(file), model);
  }

  /** Trains; the losses on what is held out, before the first step and after the last. */
  private List<Map<Integer, Double>> train(String lora, int steps, String out, Start start)
      throws IOException {
    var validations = new ArrayList<Map<Integer, Double>>();
    var listener =
        new TrainingListener() {
          @Override
          public void validated(int step, Map<Integer, Double> losses) {
            validations.add(losses);
          }
        };
    try (VideoModel model = checkpoint();
        var engine = TorchEngine.cpu()) {
      ResolvedJob job = job(model, lora, steps, out);
      var prepared = job.prepare(new ModelEncoders(model, engine), (v, d, t) -> {});
      Trainer.train(job.run(prepared.clips(), start), engine, listener);
    }
    return validations;
  }

  private LoraWeights written(String out) {
    return LoraFile.read(folder.resolve(out).resolve(ResolvedJob.LORA_FILE)).weights();
  }

  private static void assertSame(
      Map<Integer, Double> losses, Map<Integer, Double> others, double share) {
    assertThat(losses.keySet()).isEqualTo(others.keySet());
    losses.forEach(
        (stage, loss) ->
            assertThat(loss).isCloseTo(requireNonNull(others.get(stage)), within(share * loss)));
  }

  static Stream<Arguments> kinds() {
    return Stream.of(
        Arguments.of("kind: lora, rank: 2", LoraPair.class),
        Arguments.of("kind: dora, rank: 2", DoraPair.class),
        Arguments.of("kind: lokr, rank: 2, factor: 4", KroneckerPair.class));
  }

  /** The losses on what is held out tell whether the network is the same. */
  @ParameterizedTest
  @MethodSource("kinds")
  void trainingOfEachKind_isGoneOnWith_andLiesBelowAnother(
      String lora, Class<? extends LayerChange> kind) throws IOException {
    List<Map<Integer, Double>> first = train(lora, 3, "first", Start.FRESH);
    assertThat(first).hasSize(2);
    assertThat(first.get(1)).isNotEqualTo(first.get(0));
    assertThat(written("first").layers().values()).isNotEmpty().allMatch(kind::isInstance);
    for (LoraFormat format : List.of(LoraFormat.COMFYUI, LoraFormat.KOHYA)) {
      String name = "pytorch_lora_weights." + format.name().toLowerCase(java.util.Locale.ROOT);
      var read = LoraFile.read(folder.resolve("first").resolve(name + ".safetensors"));
      assertThat(read.format()).isEqualTo(format);
      assertThat(read.weights().layers().keySet()).isEqualTo(written("first").layers().keySet());
    }
    Path file = folder.resolve("first").resolve(ResolvedJob.LORA_FILE);

    var goneOn = train("from: " + file, 1, "second", Start.FRESH);
    assertSame(goneOn.get(0), first.get(1), 1e-12);
    assertThat(written("second").layers().values()).allMatch(kind::isInstance);
    assertThat(written("second").metadata())
        .containsEntry("tpdiff.step", "1")
        .hasEntrySatisfying(
            "tpdiff.lora_from", said -> assertThat(said).startsWith(ResolvedJob.LORA_FILE + " "));

    var below =
        train(
            "rank: 2, base: {first/%s: 1}".formatted(file.getFileName()), 1, "third", Start.FRESH);
    assertSame(below.get(0), first.get(1), 1e-4);
    assertThat(written("third").layers().values()).allMatch(LoraPair.class::isInstance);
    assertThat(written("third").metadata())
        .hasEntrySatisfying("tpdiff.lora_base", said -> assertThat(said).endsWith(" x 1.0]"))
        .containsEntry(
            "tpdiff.base_checkpoint",
            requireNonNull(written("first").metadata().get("tpdiff.base_checkpoint")));
    assertThat(Files.readString(folder.resolve("third/job.yaml")))
        .contains("base:\n    " + file + ": 1.0");
  }

  @Test
  void resumedRun_refusesOtherFilesThanItBeganWith() throws IOException {
    train("rank: 2, targets: [to_q]", 1, "a", Start.FRESH);
    train("rank: 2, targets: [to_k]", 1, "b", Start.FRESH);
    Path file = folder.resolve("moved.safetensors");
    Files.copy(folder.resolve("a").resolve(ResolvedJob.LORA_FILE), file);
    for (String lora : List.of("rank: 2, base: {%s: 0.5}", "from: %s")) {
      String out = lora.substring(0, 4);
      train(
          lora.formatted(folder.resolve("a").resolve(ResolvedJob.LORA_FILE)), 1, out, Start.FRESH);
      train(lora.formatted(file), 2, out, Start.RESUME);
      Path other = folder.resolve("b").resolve(ResolvedJob.LORA_FILE);
      assertThatThrownBy(() -> train(lora.formatted(other), 3, out, Start.RESUME))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("cannot go on with another lora.");
    }
    assertThatThrownBy(
            () -> train("rank: 2, base: {%s: 0.6}".formatted(file), 3, "rank", Start.RESUME))
        .hasMessageContaining("cannot go on with another lora.base");
  }

  @Test
  void dryRun_saysWhatTrainingBeginsWithAndWhatLiesBelow() throws IOException {
    train("rank: 2, targets: [to_q]", 1, "a", Start.FRESH);
    var products = new Machine.Products(1e11, 1e10);
    var machine = new Machine(products, products, 1e11, 1e10, 1e-5);
    String file = "a/" + ResolvedJob.LORA_FILE;
    try (VideoModel model = checkpoint()) {
      String both = "from: %s, base: {%s: 1}".formatted(file, file);
      assertThat(DryRun.of(job(model, both, 1, "b"), machine).notes())
          .anyMatch(note -> note.matches("lora.from: .*: training begins with its \\d+ layers.*"))
          .anyMatch(note -> note.startsWith("lora.base: 1 LoRAs lie below"))
          .noneMatch(note -> note.contains("other stages"))
          .noneMatch(note -> note.startsWith("lora.kind"));
    }
    // A file that says its kind is warned of like a job that does.
    train("kind: dora, rank: 2, targets: [to_q]", 1, "d", Start.FRESH);
    try (VideoModel model = checkpoint()) {
      String dora = "from: d/" + ResolvedJob.LORA_FILE;
      assertThat(DryRun.of(job(model, dora, 1, "e"), machine).notes())
          .anyMatch(note -> note.startsWith("lora.kind: ComfyUI"));
    }
  }

  /** Of a model with two denoisers, a file for the other one lies below nothing. */
  @Test
  void loraOfAnotherExpert_isNamed() throws IOException {
    train("rank: 2, targets: [to_q]", 1, "a", Start.FRESH);
    Path high = folder.resolve("high.safetensors");
    LoraWriter.write(
        high,
        written("a").withMetadata(Map.of(ReadLoras.EXPERT, "high_noise")),
        LoraFormat.DIFFUSERS,
        DType.F32);
    Path any = folder.resolve("a").resolve(ResolvedJob.LORA_FILE);
    var origin = new LoraOrigin(Optional.empty(), Map.of(high, 1.0, any, 1.0));
    assertThat(origin.ofOtherExperts(Optional.of("low_noise")))
        .containsExactlyEntriesOf(Map.of(high, "high_noise"));
    assertThat(origin.ofOtherExperts(Optional.of("high_noise"))).isEmpty();
    assertThat(origin.ofOtherExperts(Optional.empty())).isEmpty();
  }

  @Test
  void loraBelowOfAnotherModel_isNamed() throws IOException {
    Path other = folder.resolve("other.safetensors");
    LoraWriter.write(
        other,
        new LoraWeights(
            "transformer",
            Map.of("blocks.99.attn1.to_q", new LoraPair(1, 1, new float[32], new float[32])),
            Map.of()),
        LoraFormat.DIFFUSERS,
        DType.F32);
    train("rank: 2, targets: [to_q]", 1, "own", Start.FRESH);
    try (VideoModel model = checkpoint()) {
      assertThatThrownBy(
              () ->
                  job(
                      model,
                      "base: {own/%s: 1, other.safetensors: 1}".formatted(ResolvedJob.LORA_FILE),
                      1,
                      "out"))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContainingAll(
              ".yaml: lora.base: ",
              "other.safetensors: tensor 'blocks.99.attn1.to_q.weight' is not");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "from: a.safetensors, rank: 2|lora.from: the file decides lora.rank: leave that out",
        "kind: lokr, dropout: 0.1|lora.dropout: is for LoRA and DoRA, 'blocks.0.attn2.to_k' gains a LoKr",
        "factor: 4|lora.factor: is for lora.kind: lokr; leave it out",
        "kind: lokr, factor: 0|lora.factor: from 1 to 65536, found 0",
        "kind: lokr, targets: [patch_embedding]|'patch_embedding' is a convolution",
        "base: {none.safetensors: 1}|.yaml: lora.base: ",
        "from: none.safetensors|.yaml: lora.from: ",
        "from: out/pytorch_lora_weights.safetensors|is where this job writes its own result",
        "base: {./out/pytorch_lora_weights.kohya.safetensors: 1}|is where this job writes its own",
      })
  void keysThatDoNotGoTogether_areRefused(String lora, String message) throws IOException {
    try (VideoModel model = checkpoint()) {
      assertThatThrownBy(() -> job(model, lora, 1, "out"))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining(message);
    }
  }
}
