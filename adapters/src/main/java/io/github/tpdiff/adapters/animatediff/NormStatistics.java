package io.github.tpdiff.adapters.animatediff;

import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;

/** Which positions a group norm of a clip takes its mean and variance over. */
enum NormStatistics {
  /** Each frame by itself: the authors' motion modules, and every picture model. */
  FRAME {
    @Override
    Value apply(Value x, String name, Op.GroupNorm norm) {
      Value frames = x.reshape(x.dim(0).times(x.dim(1)), x.dim(2), x.dim(3), x.dim(4));
      return PictureLayers.groupNorm(frames, name, norm).reshape(x.shape().dims().toArray());
    }
  },
  /** All frames together: diffusers' motion modules, and the residual blocks of the authors' v1. */
  CLIP {
    @Override
    Value apply(Value x, String name, Op.GroupNorm norm) {
      return PictureLayers.groupNorm(x.transpose(0, 2, 1, 3, 4), name, norm)
          .transpose(0, 2, 1, 3, 4);
    }
  };

  /** Normalises x [B, F, C, h, w]. */
  abstract Value apply(Value x, String name, Op.GroupNorm norm);
}
