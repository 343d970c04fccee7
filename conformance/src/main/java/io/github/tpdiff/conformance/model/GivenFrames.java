package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.NetworkInputs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Timesteps of a case as a model has them: one for each clip, and frames that are given, whose own
 * is 0.
 *
 * @param timesteps of the clips
 * @param given the frames of each clip
 */
record GivenFrames(List<Double> timesteps, List<BitSet> given) {
  /**
   * Timesteps [1], [batch], or [batch, tokens] in the order of frames, rows and columns; empty
   * where tokens of a frame, or frames that are not at 0, differ.
   */
  static Optional<GivenFrames> of(Tensor timestep, LatentShape latents) {
    double[] times = LatentTensor.numbers(timestep);
    int clips = latents.batch();
    if (timestep.shape().length < 2) {
      List<Double> each = IntStream.range(0, times.length).mapToObj(i -> times[i]).toList();
      return Optional.of(
          new GivenFrames(
              each.size() == 1 ? Collections.nCopies(clips, times[0]) : each,
              Collections.nCopies(clips, new BitSet())));
    }
    int tokens = times.length / clips;
    int positions = tokens / latents.frames();
    if (positions * latents.frames() * clips != times.length || positions == 0) {
      throw new CaseException(
          "io.safetensors: in.%s: expected times of the tokens of %d frames, found %s"
              .formatted(NetworkInputs.TIMESTEP, latents.frames(), timestep));
    }
    var own = new ArrayList<Double>();
    var given = new ArrayList<BitSet>();
    for (int b = 0; b < clips; b++) {
      int start = b * tokens;
      double time = IntStream.range(0, tokens).mapToDouble(n -> times[start + n]).max().orElse(0);
      var known = new BitSet();
      for (int n = 0; n < tokens; n++) {
        boolean first = n % positions == 0;
        if (times[start + n] != (first ? time : times[start + n - 1])
            && !(first && times[start + n] == 0)) {
          return Optional.empty();
        }
        known.set(n / positions, times[start + n] != time);
      }
      own.add(time);
      given.add(known);
    }
    return Optional.of(new GivenFrames(own, given));
  }

  boolean isEmpty() {
    return given.stream().allMatch(BitSet::isEmpty);
  }

  /** A mask and the latents of given frames: [batch, 1 + C, frames, height, width]. */
  Tensor condition(Latents latents) {
    LatentShape shape = latents.shape();
    int plane = shape.height() * shape.width();
    int channels = shape.channels();
    int frames = shape.frames();
    var values = new float[shape.batch() * (1 + channels) * frames * plane];
    for (int b = 0; b < shape.batch(); b++) {
      for (int frame : given.get(b).stream().toArray()) {
        int mask = (b * (1 + channels) * frames + frame) * plane;
        Arrays.fill(values, mask, mask + plane, 1);
        for (int c = 0; c < channels; c++) {
          System.arraycopy(
              latents.data(),
              ((b * channels + c) * frames + frame) * plane,
              values,
              ((b * (1 + channels) + 1 + c) * frames + frame) * plane,
              plane);
        }
      }
    }
    return Tensor.ofFloats(
        values, shape.batch(), 1 + channels, frames, shape.height(), shape.width());
  }

  /** Whether a value of [batch, C, frames, height, width], by its row-major index, is given. */
  boolean isGiven(LatentShape shape, int index) {
    int frame = index / shape.pixels();
    return given.get(frame / (shape.frames() * shape.channels())).get(frame % shape.frames());
  }

  /** The clips' own, F32 [batch]. */
  Tensor tensor() {
    var times = new float[timesteps.size()];
    for (int i = 0; i < times.length; i++) {
      times[i] = timesteps.get(i).floatValue();
    }
    return Tensor.ofFloats(times, times.length);
  }
}
