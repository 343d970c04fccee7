package io.github.tpdiff.runtime.serving;

import com.google.common.util.concurrent.Uninterruptibles;
import io.github.tpdiff.runtime.model.FunctionParts;
import io.github.tpdiff.runtime.model.LinearVideoModel;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoSize;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** Models of Java functions behind names, and what is asked of them. */
final class LinearService {
  static final String MODEL = "linear";

  private LinearService() {}

  /** A model on one device, with so many places in the queue. */
  static ServiceSetup setup(FunctionParts parts, int queued) {
    return new ServiceSetup(
        List.of(Map.of(MODEL, loras -> parts)), Map.of(), new ServiceLimits(queued, 1000));
  }

  static VideoService open(int queued) {
    return VideoService.open(setup(new LinearVideoModel().parts(), queued));
  }

  /** Three steps, five frames. */
  static GenerationRequest request(long seed) {
    return GenerationRequest.of("a red fox")
        .withSize(new VideoSize(16, 32, 5, 16))
        .withSampling(SamplingChoice.open().withSteps(3).withGuidance(1))
        .withSeed(seed);
  }

  static VideoOrder order(long seed) {
    return VideoOrder.of(MODEL, request(seed));
  }

  /** What the pipeline makes without a service. */
  static float[] alone(long seed) {
    return new VideoPipeline(new LinearVideoModel().parts())
        .generate(request(seed), GenerationListener.silent())
        .clip()
        .data();
  }

  /** Holds a device before anything is loaded, until it is opened. */
  static final class Gate implements GenerationListener {
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch open = new CountDownLatch(1);

    @Override
    public void onPhase(Phase phase) {
      if (phase == Phase.TEXT) {
        reached.countDown();
        Uninterruptibles.awaitUninterruptibly(open);
      }
    }

    /** Waits until a generation is held. */
    void await() {
      Uninterruptibles.awaitUninterruptibly(reached);
    }

    void open() {
      open.countDown();
    }
  }
}
