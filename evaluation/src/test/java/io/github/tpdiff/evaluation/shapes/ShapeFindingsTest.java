package io.github.tpdiff.evaluation.shapes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tpdiff.runtime.media.VideoReader;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.video.VideoClip;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShapeFindingsTest {
  private static final ShapeSet SET = new ShapeSet(400, 64, 64, 16, 8, 5);

  /** A clip of the set with a fault in it. */
  private interface Fault {
    VideoClip of(int clip);
  }

  private static ShapeFindings findings(VideoClip clip, int number) {
    return ShapeFindings.of(clip, SET.scene(number).words());
  }

  /** Checks that no clip of some passes. */
  private static void assertNonePass(Check check, List<Integer> clips, Fault fault) {
    assertThat(clips).isNotEmpty();
    assertThat(clips)
        .allSatisfy(
            clip -> assertThat(findings(fault.of(clip), clip).passed()).doesNotContain(check));
  }

  private static List<Integer> first(int count) {
    return IntStream.range(0, count).boxed().toList();
  }

  @Test
  void clipsAsDrawn_passEveryCheck() {
    var failures = new ArrayList<String>();
    for (int i = 0; i < SET.clips(); i++) {
      var missing = EnumSet.allOf(Check.class);
      ShapeFindings found = findings(SET.clip(i), i);
      missing.removeAll(found.passed());
      if (!missing.isEmpty()) {
        failures.add(missing + " of " + SET.scene(i) + ": " + found);
      }
    }
    assertThat(failures).isEmpty();
  }

  @Test
  void measuredNumbers_areThoseOfTheScene() {
    for (int i = 0; i < 100; i++) {
      Scene scene = SET.scene(i);
      ShapeFindings found = findings(SET.clip(i), i);
      // Half a pixel of 64 is 0.008.
      assertThat(found.radius()).isCloseTo(scene.radius(), within(0.008));
      assertThat(found.track().orElseThrow().way()).isCloseTo(scene.way(), within(0.02));
      assertThat(found.track().orElseThrow().wander()).isLessThan(0.005);
      assertThat(found.stir()).isLessThan(1e-6);
      assertThat(found.groundLevel()).isCloseTo(scene.words().ground().level(), within(0.02));
    }
  }

  @Test
  void clipsFromFiles_passEveryCheck(@TempDir Path folder) throws IOException {
    var failures = new ArrayList<String>();
    for (int i = 0; i < 60; i++) {
      Path file = folder.resolve(i + ".mp4");
      VideoWriter.write(file, SET.clip(i));
      var missing = EnumSet.allOf(Check.class);
      ShapeFindings found = findings(VideoReader.readAll(file), i);
      missing.removeAll(found.passed());
      if (!missing.isEmpty()) {
        failures.add(missing + " of " + SET.scene(i) + ": " + found);
      }
    }
    assertThat(failures).isEmpty();
  }

  @Test
  void noise_isNoShape() {
    var random = new SplittableRandom(1);
    for (int i = 0; i < 20; i++) {
      var data = new float[3 * 16 * 64 * 64];
      for (int k = 0; k < data.length; k++) {
        data[k] = (float) (2 * random.nextDouble() - 1);
      }
      ShapeFindings found = findings(new VideoClip(data, 16, 64, 64, 8), i);
      assertThat(found.found()).isZero();
      assertThat(found.passed()).isSubsetOf(Check.GROUND);
    }
  }

  @Test
  void anEmptyGround_isNoShape() {
    for (double level : new double[] {-1, -0.1, 0.7}) {
      var data = new float[3 * 16 * 64 * 64];
      Arrays.fill(data, (float) level);
      ShapeFindings found = findings(new VideoClip(data, 16, 64, 64, 8), 0);
      assertThat(found.found()).isZero();
      assertThat(found.passed()).isSubsetOf(Check.STILL, Check.GROUND);
    }
  }

  @Test
  void anotherColour_isFoundWrong() {
    // Red becomes green, green blue, blue red: no colour stays what it was.
    assertNonePass(
        Check.COLOUR,
        first(60),
        i -> {
          VideoClip clip = SET.clip(i);
          var turned = new float[clip.data().length];
          int channel = turned.length / 3;
          for (int c = 0; c < 3; c++) {
            System.arraycopy(clip.data(), c * channel, turned, (c + 1) % 3 * channel, channel);
          }
          return new VideoClip(turned, clip.frames(), clip.height(), clip.width(), clip.fps());
        });
  }

  @Test
  void otherWords_areFoundWrong() {
    for (int i = 0; i < 30; i++) {
      SceneWords own = SET.scene(i).words();
      for (int other = i; other < i + 8; other++) {
        SceneWords said = SET.scene(other).words();
        var passed = ShapeFindings.of(SET.clip(i), said).passed();
        assertThat(passed.contains(Check.COLOUR)).isEqualTo(said.colour() == own.colour());
        assertThat(passed.contains(Check.KIND)).isEqualTo(said.kind() == own.kind());
        assertThat(passed.contains(Check.SIZE)).isEqualTo(said.size() == own.size());
        assertThat(passed.contains(Check.HEADING)).isEqualTo(said.heading() == own.heading());
        assertThat(passed.contains(Check.PACE)).isEqualTo(said.pace() == own.pace());
        assertThat(passed.contains(Check.BOUNCE)).isEqualTo(said.bounces() == own.bounces());
        assertThat(passed.contains(Check.GROUND)).isEqualTo(said.ground() == own.ground());
      }
    }
  }

  @Test
  void aJump_leavesTheTrack() {
    // One frame in the middle is that of a quarter of the way earlier.
    List<Integer> quick =
        first(SET.clips()).stream()
            .filter(i -> SET.scene(i).words().pace() == SceneWords.Pace.QUICKLY)
            .filter(i -> !SET.scene(i).words().bounces())
            .limit(40)
            .toList();
    assertNonePass(Check.TRACK, quick, i -> withFrames(SET.clip(i), k -> k == 8 ? 4 : k));
  }

  @Test
  void aShapeThatGoesAway_isNotFound() {
    assertNonePass(
        Check.FOUND,
        first(60),
        i -> {
          VideoClip clip = SET.clip(i);
          float[] data = clip.data().clone();
          int plane = 64 * 64;
          float level = (float) (2 * SET.scene(i).words().ground().level() - 1);
          for (int c = 0; c < 3; c++) {
            Arrays.fill(data, (c * 16 + 12) * plane, (c * 16 + 16) * plane, level);
          }
          return new VideoClip(data, 16, 64, 64, clip.fps());
        });
  }

  @Test
  void twoShapes_areNotOne() {
    // The picture, and clear of it the same upside down and of another colour.
    assertNonePass(
        Check.FOUND,
        first(SET.clips()).stream()
            .filter(i -> Math.abs(SET.scene(i).y() - 0.5) > 1.6 * SET.scene(i).radius())
            .filter(i -> SET.scene(i).words().heading().down() == 0)
            .limit(20)
            .toList(),
        i -> {
          VideoClip clip = SET.clip(i);
          float[] data = clip.data().clone();
          for (int p = 0; p < 3 * 16; p++) {
            for (int at = 0; at < 64 * 64; at++) {
              int flipped = (63 - at / 64) * 64 + at % 64;
              boolean other = SET.scene(i).y() > 0.5 ? at / 64 < 32 : at / 64 >= 32;
              data[p * 4096 + at] =
                  other ? clip.data()[p * 4096 + flipped] : clip.data()[p * 4096 + at];
            }
          }
          return new VideoClip(data, 16, 64, 64, clip.fps());
        });
  }

  @Test
  void backwards_isTheWrongHeading() {
    List<Integer> straight =
        first(SET.clips()).stream().filter(i -> !SET.scene(i).words().bounces()).limit(40).toList();
    assertNonePass(Check.HEADING, straight, i -> withFrames(SET.clip(i), k -> 15 - k));
  }

  @Test
  void aClipThatStops_isTooSlow() {
    List<Integer> straight =
        first(SET.clips()).stream().filter(i -> !SET.scene(i).words().bounces()).limit(40).toList();
    assertNonePass(Check.PACE, straight, i -> withFrames(SET.clip(i), k -> k / 3));
  }

  @Test
  void aGroundThatFlickers_isNotStill() {
    assertNonePass(
        Check.STILL,
        first(40),
        i -> {
          VideoClip clip = SET.clip(i);
          float[] data = clip.data().clone();
          for (int at = 0; at < data.length; at++) {
            int frame = at / 4096 % 16;
            data[at] = Math.max(-1, Math.min(1, data[at] + (frame % 2 == 0 ? 0.05f : -0.05f)));
          }
          return new VideoClip(data, 16, 64, 64, clip.fps());
        });
  }

  private interface Frames {
    int of(int frame);
  }

  private static VideoClip withFrames(VideoClip clip, Frames order) {
    return VideoClip.of(
        IntStream.range(0, clip.frames()).mapToObj(k -> clip.frame(order.of(k))).toList(),
        clip.fps());
  }
}
