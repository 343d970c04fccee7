package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.golden.Checks;
import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Component;
import io.github.tpdiff.runtime.picture.PictureValues;
import io.github.tpdiff.runtime.picture.RgbPicture;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * Kinds {@code image_encoder} and {@code image_encoder_original}: the states of pictures, from
 * their bytes on.
 *
 * @param parts opens the encoder, for one picture of a clip
 * @param processor makes its input of a picture
 */
public record ImageEncoderCase(
    PartsOpener parts, Function<GoldenCase, Function<RgbPicture, PictureValues>> processor)
    implements CaseKind.OnEngine {
  private static final String PIXELS = "pixel_values";
  private static final String EMBEDS = "image_embeds";

  @Override
  public void check(GoldenCase golden, Engine engine, Checks checks) {
    Function<RgbPicture, PictureValues> prepare = processor.apply(golden);
    Component encoder =
        parts.open(golden, "").values().stream()
            .findFirst()
            .orElseThrow(() -> new CaseException("the checkpoint has no image encoder"));
    try (var weights = encoder.weights();
        var executable = engine.load(encoder.program(), weights)) {
      for (GoldenRun run : golden.runs()) {
        Tensor pixels = pixels(CasePictures.of(run), prepare);
        checks.compare(run.prefix() + PIXELS, pixels);
        checks.compare(run.prefix() + EMBEDS, embeds(executable, pixels));
      }
    }
  }

  private static Tensor embeds(Executable encoder, Tensor pixels) {
    long[] s = pixels.shape();
    Tensor clips = pixels.reshape(s[0], 1, s[1], s[2], s[3]);
    return Objects.requireNonNull(encoder.run(Map.of(PIXELS, clips)).get(EMBEDS));
  }

  /** [B, 3, H, W]. */
  private static Tensor pixels(
      List<RgbPicture> pictures, Function<RgbPicture, PictureValues> prepare) {
    return FrameAxis.batch(
        pictures.stream()
            .map(prepare)
            .map(
                values ->
                    Tensor.ofFloats(
                        values.data(),
                        1,
                        RgbPicture.CHANNELS,
                        values.size().height(),
                        values.size().width()))
            .toList());
  }
}
