package io.github.tpdiff.runtime.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.runtime.diffusion.FrameResampling;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Scheduler;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.diffusion.StagePlan;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.LinearVideoModel;
import io.github.tpdiff.runtime.pipeline.PartsComparison.PartError;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class PartsComparisonTest {
  private static final LatentShape SHAPE = new LatentShape(1, 2, 5, 2, 4);
  private static final PartsComparison COMPARISON =
      new PartsComparison(
          StagePlan.of(
              StageConfig.pyramid(3, FrameResampling.sharedFirstFrame()),
              Scheduler.fromConfig(LinearVideoModel.description().scheduler()).schedule(),
              SHAPE.grid()),
          SHAPE);

  private static List<PartError> compared(LinearVideoModel other) {
    return COMPARISON.compare(new LinearVideoModel().parts(), other.parts());
  }

  @Test
  void compare_ofAModelWithItself_findsNoDifferenceInAnyPart() {
    assertThat(compared(new LinearVideoModel()))
        .allSatisfy(difference -> assertThat(difference.maxError()).isZero())
        .extracting(PartError::part)
        .containsExactly(
            "text_encoder",
            "transformer/conditioning",
            "transformer, stage 3 of 2 frames",
            "transformer, stage 2 of 3 frames",
            "transformer, stage 1 of 5 frames",
            "vae_decoder",
            "vae_encoder");
  }

  @Test
  void compare_ofADenoiserThatIsOff_saysSoOfItAlone() {
    var other = new LinearVideoModel();
    other
        .parts()
        .with(
            LinearVideoModel.DENOISER,
            List.of("hidden_states", "timestep", "temporal_positions", "block0.k"),
            List.of("out_hidden_states"),
            in -> {
              Tensor x = Objects.requireNonNull(in.get("hidden_states"));
              return Map.of("out_hidden_states", Tensor.zeros(x.shape()));
            });
    assertThat(compared(other))
        .allSatisfy(
            difference ->
                assertThat(difference.maxError())
                    .isEqualTo(difference.part().startsWith("transformer, stage") ? 1 : 0));
  }

  @Test
  void compare_leavesOutWhatOneOfThemLacks() {
    var other = new LinearVideoModel();
    other.parts().without(LinearVideoModel.TEXT_ENCODER);
    assertThat(compared(other))
        .extracting(PartError::part)
        .doesNotContain("text_encoder")
        .hasSize(6);
  }
}
