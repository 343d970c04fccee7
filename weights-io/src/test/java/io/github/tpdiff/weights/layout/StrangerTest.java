package io.github.tpdiff.weights.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StrangerTest {

  @ParameterizedTest
  @CsvSource({
    "9, an inpainting UNet",
    "8, an InstructPix2Pix UNet",
    "7, an upscaling UNet",
    "5, a depth-guided UNet",
    "13, a UNet of 13 input and 4 output channels"
  })
  void aUnetThatReadsMoreThanLatents_isToldByItsChannels(int channels, String label) {
    for (String prefix : List.of("", "model.diffusion_model.", "unet.")) {
      assertThat(Stranger.find(unet(prefix + "conv_in", prefix + "conv_out", channels)))
          .hasValueSatisfying(found -> assertThat(found).startsWith(label));
      assertThat(Stranger.find(unet(prefix + "input_blocks.0.0", prefix + "out.2", channels)))
          .hasValueSatisfying(found -> assertThat(found).startsWith(label));
    }
    assertThatThrownBy(() -> Network.SD_UNET.asDiffusers(unet("conv_in", "conv_out", channels)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith("tensors in memory: this is " + label)
        .hasMessageEndingWith(", which is not run; expected a sd unet");
  }

  @Test
  void networksThatAreRun_areNoStrangers() {
    assertThat(Stranger.find(unet("conv_in", "conv_out", 4))).isEmpty();
    assertThat(Stranger.find(tensors("encoder.conv_in.weight", "blocks.0.ffn.0.weight"))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "add_embedding.linear_1.weight, an SDXL UNet",
    "model.diffusion_model.label_emb.0.0.weight, an SDXL UNet",
    "controlnet_cond_embedding.conv_in.weight, a ControlNet",
    "control_model.input_hint_block.0.weight, a ControlNet",
    "vace_blocks.0.before_proj.weight, a Wan VACE transformer",
    "model.diffusion_model.vace_blocks.0.proj_in.weight, a Wan VACE transformer",
    "down_blocks.0.attentions.0.temporal_transformer_blocks.0.norm1.weight, a Stable Video"
        + " Diffusion UNet"
  })
  void others_areToldByAName(String tensor, String label) {
    assertThat(Stranger.find(tensors(tensor))).contains(label);
  }

  private static MemoryTensors unet(String in, String out, int channels) {
    return MemoryTensors.builder()
        .add(convolution(in, List.of(2L, (long) channels, 3L, 3L)), payload(2 * channels * 9))
        .add(convolution(out, List.of(4L, 2L, 3L, 3L)), payload(72))
        .build();
  }

  private static TensorInfo convolution(String name, List<Long> shape) {
    return new TensorInfo(name + ".weight", DType.F16, shape);
  }

  private static ByteBuffer payload(int elements) {
    return ByteBuffer.allocate(2 * elements);
  }

  private static MemoryTensors tensors(String... names) {
    MemoryTensors.Builder tensors = MemoryTensors.builder();
    for (String name : names) {
      tensors.addFloats(name, List.of(1L), 1);
    }
    return tensors.build();
  }
}
