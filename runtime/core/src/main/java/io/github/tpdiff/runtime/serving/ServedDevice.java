package io.github.tpdiff.runtime.serving;

import io.github.tpdiff.runtime.engine.Cancellation;
import io.github.tpdiff.runtime.pipeline.GeneratedVideo;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoRequest;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A device with its models, on which one thread makes videos. */
final class ServedDevice implements AutoCloseable {
  private final ServiceSetup setup;
  private final WarmExecutables warm;
  private final OpenModels models;

  /** Who is told of a generation, and who may end it. */
  record Watch(GenerationListener listener, Cancellation cancellation) {}

  /**
   * @param openers of the models of this device; stay the caller's to close
   */
  ServedDevice(Map<String, ModelOpener> openers, ServiceSetup setup) {
    this.setup = setup;
    this.warm = new WarmExecutables(setup.limits().warmBytes());
    this.models = new OpenModels(openers, warm);
  }

  Set<String> names() {
    return models.names();
  }

  /** A model with LoRAs, open until the result is closed. */
  OpenModels.Use use(String model, List<LoraChoice> loras) {
    return models.use(model, loras);
  }

  /** Makes the video of an order, and uses it. */
  <T> T make(VideoOrder order, VideoUse<T> use, Watch watch) throws Exception {
    try (OpenModels.Use model = use(order.model(), setup.loras(order));
        var parts = new LentParts(model.parts(), warm, watch.cancellation())) {
      VideoRequest request = order.request().of(parts);
      GeneratedVideo video = new VideoPipeline(parts).generate(request, watch.listener());
      return use.use(video);
    }
  }

  /** Bytes of the weights that are loaded. */
  long warmBytes() {
    return warm.bytes();
  }

  @Override
  public void close() {
    models.close();
  }
}
