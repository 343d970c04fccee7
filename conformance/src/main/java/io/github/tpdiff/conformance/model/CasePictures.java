package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.conformance.golden.GoldenRun;
import io.github.tpdiff.conformance.golden.Values;
import io.github.tpdiff.runtime.picture.PictureLoader;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** The bytes of pictures, I64 [H, W, 3] or [B, H, W, 3], and files of them. */
final class CasePictures {
  private CasePictures() {}

  /** The only one of a run's {@code image}. */
  static RgbPicture one(GoldenRun run) {
    List<RgbPicture> all = of(run);
    if (all.size() != 1) {
      throw new CaseException(
          "%s: expected one picture, found %d".formatted(run.inputName("image"), all.size()));
    }
    return all.get(0);
  }

  /** Those of a run's {@code image}. */
  static List<RgbPicture> of(GoldenRun run) {
    return of(run, "image");
  }

  /**
   * The file of a picture that a run names, if it does.
   *
   * @throws CaseException if the input of that name holds another picture than the file
   */
  static Optional<Path> file(GoldenRun run, String name) {
    Optional<Path> file = run.args().findText(name).map(run.golden()::path);
    if (file.isPresent() && run.findInputName(name).isPresent()) {
      RgbPicture told = of(run, name).get(0);
      RgbPicture read = PictureLoader.get().load(file.get());
      if (!told.size().equals(read.size()) || !Arrays.equals(told.rgb(), read.rgb())) {
        throw new CaseException(
            "%s: expected the picture of in.%s, found another".formatted(file.get(), name));
      }
    }
    return file;
  }

  private static List<RgbPicture> of(GoldenRun run, String input) {
    String name = run.inputName(input);
    List<Long> shape = run.golden().tensors().require(name).shape();
    int axes = shape.size();
    if (axes < 3 || axes > 4 || shape.get(axes - 1) != RgbPicture.CHANNELS) {
      throw new CaseException(name + ": expected [H, W, 3] or [B, H, W, 3], found " + shape);
    }
    var size =
        new PictureSize(Math.toIntExact(shape.get(axes - 2)), Math.toIntExact(shape.get(axes - 3)));
    long[] values = Values.longs(run.golden().tensors(), name);
    int bytes = RgbPicture.CHANNELS * size.pixels();
    return IntStream.range(0, values.length / bytes)
        .mapToObj(i -> new RgbPicture(bytes(name, values, i * bytes, bytes), size))
        .toList();
  }

  private static byte[] bytes(String name, long[] values, int from, int count) {
    var rgb = new byte[count];
    for (int i = 0; i < count; i++) {
      long value = values[from + i];
      if (value < 0 || value > 255) {
        throw new CaseException(name + ": expected 0 to 255, found " + value);
      }
      rgb[i] = (byte) value;
    }
    return rgb;
  }
}
