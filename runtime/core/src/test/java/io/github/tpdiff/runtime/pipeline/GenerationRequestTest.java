package io.github.tpdiff.runtime.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.Guidance;
import io.github.tpdiff.runtime.diffusion.HeunSampler;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.NoiseLevels;
import io.github.tpdiff.runtime.diffusion.NoiseSource;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.Steps;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.LinearVideoModel;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenerationRequestTest {
  private static final ModelDescription MODEL = LinearVideoModel.description();

  private static GenerationRequest full() {
    return GenerationRequest.of("a red fox")
        .withNegativePrompt("blurs")
        .withPicture(Path.of("fox.png"))
        .withVideo(
            new VideoChoice(Optional.of(32), Optional.of(16), Optional.of(17), Optional.of(12.5)))
        .withSampling(
            new SamplingChoice(
                Optional.of(8),
                List.of(4.0, 2.0),
                Optional.of("half"),
                Optional.of("heun"),
                StageChoice.of(
                    StageConfig.pyramid(3, FrameResampling.sharedFirstFrame())
                        .withBoundaries(List.of(0.75, 0.5)))))
        .withSeed(1L << 40)
        .withLoras(
            List.of(
                LoraChoice.of(Path.of("a.safetensors")),
                new LoraChoice(Path.of("b"), Optional.of(0.5), Optional.of("transformer"))));
  }

  private static GenerationRequest read(String text) {
    return GenerationRequest.JSON.parse(text, "request.json");
  }

  @Test
  void requests_areReadBackAsTheyWereWritten() {
    for (GenerationRequest request :
        List.of(
            full(),
            GenerationRequest.of("a \"red\"\nfox"),
            GenerationRequest.of("").withSize(new VideoSize(16, 32, 9, 16)))) {
      assertThat(read(GenerationRequest.JSON.format(request))).isEqualTo(request);
    }
  }

  @Test
  void pointsAndGuidanceOfStages_areWrittenAsPeopleWriteThem() {
    SamplingChoice sampling =
        SamplingChoice.open()
            .withSigmas(NoiseLevels.parse("1,0.94/0.8/0.6"))
            .withStageGuidance(List.of(6.0, 5.0, 1.0))
            .withGuidanceInterval(NoiseLevels.parse("0.9,0.2"));
    GenerationRequest request = GenerationRequest.of("x").withSampling(sampling);
    String json = GenerationRequest.JSON.format(request);
    assertThat(read(json)).isEqualTo(request);
    assertThat(
            read(
                """
                {"prompt": "x", "sampling": {"sigmas": [[1, 0.94], [0.8], [0.6]],
                 "stage_guidance": [6, 5, 1.0], "guidance_interval": [0.9, 0.2]}}
                """))
        .isEqualTo(request);
    assertThatThrownBy(
            () -> read("{'prompt': 'x', 'sampling': {'sigmas': [0.5, 1]}}".replace('\'', '"')))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            "request.json: sampling.sigmas: expected values of at least 0 that fall, found 1.0"
                + " after 0.5 in [0.5, 1.0]");
    assertThatThrownBy(
            () -> read("{'prompt': 'x', 'sampling': {'sigmas': [[1], 0.5]}}".replace('\'', '"')))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            "request.json: sampling.sigmas: expected numbers such as [1, 0.9], or lists of them for"
                + " each stage such as [[1, 0.9], [0.6]], found [[1],0.5]");
    assertThatThrownBy(
            () ->
                read("{'prompt': 'x', 'sampling': {'steps': 3, 'sigmas': [1]}}".replace('\'', '"')))
        .hasMessage(
            "request.json: sigmas: expected one of steps, sigmas and timesteps, found several");
  }

  @Test
  void pointsThatAreSaid_replaceTheStepsOfAnother_andScalesOfStagesThoseOfDenoisers() {
    SamplingChoice other = SamplingChoice.open().withSteps(30).withGuidance(5);
    SamplingChoice own = SamplingChoice.open().withTimesteps(NoiseLevels.parse("900,500"));
    assertThat(own.over(other)).isEqualTo(own.withGuidance(5));
    assertThat(SamplingChoice.open().withSteps(4).over(own.over(other)))
        .isEqualTo(other.withSteps(4));
    SamplingChoice stages = SamplingChoice.open().withStageGuidance(List.of(3.0, 1.0));
    assertThat(stages.over(other)).isEqualTo(stages.withSteps(30));
    assertThat(stages.of(MODEL).guidance().stages())
        .containsExactly(Guidance.scale(3), Guidance.none());
  }

  @Test
  void stagesOverSpace_areWrittenAsPeopleWriteThem() {
    StageChoice stages =
        StageChoice.of(
            StageConfig.of(
                    List.of(GridFactor.cube(2), GridFactor.ofTime(2)),
                    FrameResampling.sharedFirstFrame())
                .withTargets(StageConfig.Targets.PIXEL)
                .withPositions(
                    new PositionRules(
                        PositionRule.SCALED, PositionRule.NATIVE, PositionRule.NATIVE)));
    var request = GenerationRequest.of("x").withSampling(SamplingChoice.open().withStages(stages));
    assertThat(read(GenerationRequest.JSON.format(request))).isEqualTo(request);
    StageChoice said =
        read("""
                {"prompt": "x", "sampling": {"stages": {"rates": [[2, 2, 2], 2],
                 "targets": "pixel", "positions": ["scaled", "native", "native"],
                 "space_upsampling": "linear"}}}
                """)
            .sampling()
            .stages();
    assertThat(said.rates()).isEqualTo(stages.rates());
    assertThat(said.targets()).isEqualTo(stages.targets());
    assertThat(said.positions()).isEqualTo(stages.positions());
    assertThat(said.spaceUpsampling()).contains(FrameResampling.Upsampling.LINEAR);
    assertThat(
            read("{\"prompt\": \"x\", \"sampling\": {\"stages\": {\"positions\": \"native\"}}}")
                .sampling()
                .stages()
                .positions())
        .contains(PositionRules.all(PositionRule.NATIVE));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"rates\": [[2, 2]]| rates[0]: expected an integer, or three such as [2, 2, 2], found [2,2]",
        "\"rates\": [2, \"2x2x2\"]| rates[1]: expected an integer, or three such as [2, 2, 2], found"
            + " \"2x2x2\"",
        "\"rates\": [[2, 2.5, 2]]| rates[0]: expected an integer, or three such as [2, 2, 2], found"
            + " [2,2.5,2]",
        "\"targets\": \"pixels\"| targets: expected latent or pixel, found \"pixels\"",
        "\"positions\": \"own\"| positions: expected scaled or native, or three of them, found"
            + " \"own\"",
        "\"positions\": [\"native\", \"own\", \"native\"]| positions: expected scaled or native, or"
            + " three of them, found [\"native\",\"own\",\"native\"]",
        "\"positions\": [5]| positions: expected scaled or native, or three of them, found [5]",
      })
  void wrongStages_areRefusedByField(String stages, String message) {
    assertThatThrownBy(
            () -> read("{\"prompt\": \"x\", \"sampling\": {\"stages\": {%s}}}".formatted(stages)))
        .isInstanceOf(CheckpointException.class)
        .hasMessage("request.json: sampling.stages." + message);
  }

  @Test
  void whatIsLeftOpen_isNotWritten() {
    assertThat(GenerationRequest.JSON.format(GenerationRequest.of("a red fox")))
        .doesNotContain("null", "seed", "picture", "negative_prompt", "version");
  }

  @Test
  void oneLineOfJson_isARequest() {
    assertThat(read("{\"prompt\": \"a red fox\"}")).isEqualTo(GenerationRequest.of("a red fox"));
    assertThat(
            read(
                """
                {"prompt": "a red fox", "seed": 7, "video": {"frames": 17},
                 "sampling": {"guidance": [1], "stages": {"count": 3}},
                 "loras": [{"path": "a.safetensors"}]}
                """))
        .isEqualTo(
            GenerationRequest.of("a red fox")
                .withSeed(7)
                .withVideo(
                    new VideoChoice(
                        Optional.empty(), Optional.empty(), Optional.of(17), Optional.empty()))
                .withSampling(
                    SamplingChoice.open().withGuidance(1).withStages(StageChoice.count(3)))
                .withLoras(List.of(LoraChoice.of(Path.of("a.safetensors")))));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"promt\": \"x\"}| promt: there is no such field; did you mean prompt?",
        "{\"seed\": 1}| prompt: expected a string, found nothing",
        "{\"prompt\": 1}| prompt: expected a string, found 1",
        "{\"prompt\": \"x\", \"picture\": 5}| picture: expected a string, found 5",
        "{\"prompt\": \"x\", \"seed\": 1.5}| seed: expected an integer, found 1.5",
        "{\"prompt\": \"x\", \"seed\": \"7\"}| seed: expected an integer, found \"7\"",
        "{\"prompt\": \"x\", \"video\": {\"with\": 8}}|"
            + " video.with: there is no such field; did you mean width?",
        "{\"prompt\": \"x\", \"video\": {\"width\": true}}|"
            + " video.width: expected an integer, found true",
        "{\"prompt\": \"x\", \"sampling\": {\"stages\": {\"rate\": [2]}}}|"
            + " sampling.stages.rate: there is no such field; did you mean rates?",
        "{\"prompt\": \"x\", \"loras\": [{\"path\": \"a\", \"strenght\": 1}]}|"
            + " loras[0].strenght: there is no such field; did you mean strength?",
        "{\"prompt\": \"x\", \"version\": \"1.0\"}|"
            + " version: there is no such field; did you mean video?",
      })
  void wrongRequest_isRefusedByField(String text, String message) {
    assertThatThrownBy(() -> read(text))
        .isInstanceOf(CheckpointException.class)
        .hasMessage("request.json: " + message);
  }

  @Test
  void whatIsLeftOpen_isTheModels() {
    VideoRequest request = GenerationRequest.of("a red fox").of(MODEL);
    assertThat(request.size()).isEqualTo(new VideoSize(16, 32, 9, 16));
    assertThat(request.sampling().steps()).isEqualTo(Steps.count(4));
    assertThat(request.sampling().guidance().denoisers()).containsExactly(Guidance.scale(5));
    assertThat(request.sampling().stages()).isEqualTo(StageChoice.asTrained());
    assertThat(request.negativePrompt()).isEmpty();
    var shape = new LatentShape(1, 1, 1, 2, 2);
    assertThat(request.noise().draw(shape).data())
        .containsExactly(NoiseSource.seeded(0).draw(shape).data());
  }

  @Test
  void whatIsSaid_takesThePlaceOfTheModels() {
    VideoRequest request =
        GenerationRequest.of("a red fox")
            .withSeed(7)
            .withVideo(
                new VideoChoice(
                    Optional.empty(), Optional.empty(), Optional.of(17), Optional.empty()))
            .withSampling(
                new SamplingChoice(
                    Optional.of(8),
                    List.of(2.0),
                    Optional.of("half"),
                    Optional.of("heun"),
                    StageChoice.count(3)))
            .of(MODEL);
    assertThat(request.size()).isEqualTo(new VideoSize(16, 32, 17, 16));
    assertThat(request.sampling().steps()).isEqualTo(Steps.count(8));
    assertThat(request.sampling().guidance().denoisers()).containsExactly(Guidance.scale(2));
    assertThat(request.sampling().scheduler().sampler()).isInstanceOf(HeunSampler.class);
    assertThat(request.sampling().stages()).isEqualTo(StageChoice.count(3));
    var shape = new LatentShape(1, 1, 1, 2, 2);
    assertThat(request.noise().draw(shape).data())
        .containsExactly(NoiseSource.seeded(7).draw(shape).data());
  }

  @Test
  void guidance_isOneValueOrOneForEachDenoiser() {
    var two = GenerationRequest.of("x").withSampling(guidance(4.0, 2.0));
    assertThatThrownBy(() -> two.of(MODEL))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("guidance: expected 1 values, one for each denoiser, found 2");
    ModelDescription experts = withTwoDenoisers();
    assertThat(two.of(experts).sampling().guidance().denoisers())
        .containsExactly(Guidance.scale(4), Guidance.scale(2));
    assertThat(
            GenerationRequest.of("x")
                .withSampling(guidance(4.0))
                .of(experts)
                .sampling()
                .guidance()
                .denoisers())
        .containsExactly(Guidance.scale(4), Guidance.scale(4));
    // The second has its own scale, the first the model's.
    assertThat(GenerationRequest.of("x").of(experts).sampling().guidance().denoisers())
        .containsExactly(Guidance.scale(5), Guidance.scale(3));
  }

  private static ModelDescription withTwoDenoisers() {
    Flow flow = MODEL.flow();
    return MODEL.withFlow(
        flow.withDenoisers(
            List.of(
                new Flow.Expert("transformer", 500, Optional.empty(), Optional.empty()),
                new Flow.Expert("transformer", 0, Optional.of(3.0), Optional.empty()))));
  }

  private static SamplingChoice guidance(Double... scales) {
    return new SamplingChoice(
        Optional.empty(),
        List.of(scales),
        Optional.empty(),
        Optional.empty(),
        StageChoice.asTrained());
  }

  @Test
  void pictureForAModelThatIsToldOfNone_isRefused() {
    assertThatThrownBy(() -> full().of(MODEL))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "picture: expected none, which this model does not take, found fox.png; leave it out");
  }

  @Test
  void namesThatTheModelDoesNotKnow_areRefused() {
    var scheduler =
        new SamplingChoice(
            Optional.empty(),
            List.of(),
            Optional.of("ddim"),
            Optional.empty(),
            StageChoice.asTrained());
    assertThatThrownBy(() -> GenerationRequest.of("x").withSampling(scheduler).of(MODEL))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("scheduler: expected one of [half], found 'ddim'");
    assertThatThrownBy(
            () -> new LoraChoice(Path.of("a"), Optional.of(Double.NaN), Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("loras.strength: expected a number, found NaN");
  }
}
