package io.github.tpdiff.evaluation.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tpdiff.evaluation.shapes.ShapeSet;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.video.VideoClip;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClipsTest {
  private static final int COUNT = 24;
  private static final ShapeSet SET = new ShapeSet(COUNT, 64, 64, 9, 8, 0);

  @TempDir private Path folder;

  private Map<String, Double> judged(IntFunction<VideoClip> made) throws IOException {
    var files = new ArrayList<Path>();
    for (int i = 0; i < COUNT; i++) {
      files.add(folder.resolve(i + ".mp4"));
      VideoWriter.write(files.get(i), made.apply(i));
    }
    List<String> captions =
        IntStream.range(0, COUNT).mapToObj(i -> SET.scene(i).words().caption()).toList();
    return new Clips(captions, Optional.of(SET)).judge(files);
  }

  private double figure(String name, IntFunction<VideoClip> made) throws IOException {
    return Objects.requireNonNull(judged(made).get(name));
  }

  @Test
  void distance_isNextToNothingOfTheClipsThemselves_andGrowsAsTheyGoAstray() throws IOException {
    double same = figure("distance", SET::clip);
    double half = figure("distance", i -> i % 2 == 0 ? SET.clip(i) : still(SET.clip(i)));
    double all = figure("distance", i -> still(SET.clip(i)));
    assertThat(same).isBetween(0.0, 0.01);
    assertThat(half).isGreaterThan(10 * same);
    assertThat(all).isGreaterThan(2 * half);
  }

  /** Of so few pixels the kind of a small shape may be lost in the file's compression. */
  @Test
  void score_isNextToAllOfTheClipsThemselves_andNoneThatStandsStillShowsAllOfItsCaption()
      throws IOException {
    assertThat(figure("score", SET::clip)).isBetween(0.99, 1.0);
    assertThat(judged(i -> still(SET.clip(i)))).containsEntry("all", 0.0);
  }

  /** The first frame all the time. */
  private static VideoClip still(VideoClip clip) {
    int frame = clip.data().length / clip.frames();
    float[] data = new float[clip.data().length];
    for (int f = 0; f < clip.frames(); f++) {
      System.arraycopy(clip.data(), 0, data, f * frame, frame);
    }
    return new VideoClip(data, clip.frames(), clip.height(), clip.width(), clip.fps());
  }
}
