package io.github.tpdiff.runtime.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrecisionsTest {
  @Test
  void oneWordIsForAll_andNamedComponentsHaveTheirOwn() {
    var precisions = Precisions.parse("bf16, transformer=int8,vae=fp32,transformer_2=fp16");
    assertThat(precisions.of("text_encoder")).isEqualTo(Precision.BF16);
    assertThat(precisions.of("transformer")).isEqualTo(Precision.INT8);
    assertThat(precisions.of("transformer/conditioning")).isEqualTo(Precision.INT8);
    assertThat(precisions.of("transformer_2")).isEqualTo(Precision.FP16);
    assertThat(precisions.of("vae_decoder/first")).isEqualTo(Precision.FP32);
    assertThat(precisions.of("vae_encoder")).isEqualTo(Precision.FP32);
    assertThat(Precisions.parse(precisions.toString())).isEqualTo(precisions);
  }

  @Test
  void whatIsNotNamed_staysAsInTheCheckpoint() {
    assertThat(Precisions.parse("transformer=fp8").of("transformer_2")).isEqualTo(Precision.FP8);
    assertThat(Precisions.parse("transformer=fp8").of("text_encoder")).isEqualTo(Precision.KEEP);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          f16 | precision: expected one of keep, fp32, bf16, fp16, int8, fp8, found 'f16'
          vae=int4 | precision: expected one of keep, fp32, bf16, fp16, int8, fp8, found 'int4'
          bf16,fp32 | precision: expected one for all the rest, found 'bf16,fp32'
          vae=bf16,vae=fp32 | precision: vae: expected once, found 'vae=bf16,vae=fp32'
          """)
  void anotherWord_isRefused(String words, String message) {
    assertThatThrownBy(() -> Precisions.parse(words))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void nameOfNoComponent_isRefusedNamingThoseThereAre() {
    var precisions = Precisions.parse("transfomer=int8");
    assertThatThrownBy(() -> precisions.requireNamesOf(List.of("transformer", "vae_decoder/first")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "precision: expected components among [transformer, vae_decoder], found 'transfomer'");
  }
}
