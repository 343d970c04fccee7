package io.github.tpdiff.serve.page;

import com.google.common.collect.MapMaker;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.media.PngWriter;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.LatentRgb;
import io.github.tpdiff.runtime.video.VideoFrame;
import io.github.tpdiff.serve.http.Routes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.eclipse.jetty.http.HttpHeader;

/**
 * Pictures of what videos that are being made come to, from the latents of their last step: a pixel
 * for each latent of the first, the middle and the last frame that the stage has.
 *
 * <p>Nothing is drawn unless somebody asks. What a model's latents look like is found once, before
 * its first video ({@link LatentRgb#probe}). The latents are kept for as long as the generation has
 * its listener, and no longer.
 */
public final class Previews {
  private final Map<String, LatentRgb> colours = new ConcurrentHashMap<>();
  private final Map<String, Watch> watches = new MapMaker().weakValues().makeMap();

  /** What is known of a video that is being made. */
  private final class Watch implements GenerationListener {
    private final String model;
    private volatile Optional<Latents> latents = Optional.empty();

    Watch(String model) {
      this.model = model;
    }

    @Override
    public void onParts(PipelineParts parts) {
      if (!colours.containsKey(model)) {
        colours.put(model, LatentRgb.probe(parts));
      }
    }

    @Override
    public void onStep(StepDone step) {
      latents = Optional.of(step.latents());
    }
  }

  /**
   * A listener to the generation of a video.
   *
   * @param id of the video
   * @param model by its name
   */
  public GenerationListener watch(String id, String model) {
    var watch = new Watch(model);
    watches.put(id, watch);
    return watch;
  }

  /** Adds {@code /v1/videos/{id}/preview} to the paths of a service. */
  public void mount(Routes routes) {
    routes.add("GET", "/v1/videos/{id}/preview", this::answer);
  }

  private void answer(Routes.Exchange call) throws IOException {
    String id = Optional.ofNullable(call.parameters().get("id")).orElse("");
    Optional<VideoFrame> picture = picture(id);
    if (picture.isEmpty()) {
      // Not yet or no more: nothing that a page should call an error.
      call.response().setStatus(204);
      call.response().write(true, ByteBuffer.allocate(0), call.callback());
      return;
    }
    byte[] png = PngWriter.png(picture.get());
    call.response().getHeaders().put(HttpHeader.CONTENT_TYPE, "image/png");
    call.response().getHeaders().put(HttpHeader.CONTENT_LENGTH, png.length);
    call.response().write(true, ByteBuffer.wrap(png), call.callback());
  }

  /** The frames in a row, if a step of the video is done and it is still being made. */
  Optional<VideoFrame> picture(String id) {
    Optional<Watch> watch = Optional.ofNullable(watches.get(id));
    Optional<Latents> latents = watch.flatMap(own -> own.latents);
    return latents.flatMap(
        last ->
            Optional.ofNullable(colours.get(watch.orElseThrow().model))
                .map(found -> row(found, last)));
  }

  /** First, middle and last frame beside each other, a black pixel apart. */
  private static VideoFrame row(LatentRgb colours, Latents latents) {
    int last = latents.frames() - 1;
    List<VideoFrame> frames =
        IntStream.of(0, last / 2, last)
            .distinct()
            .mapToObj(frame -> colours.frame(latents, frame))
            .toList();
    int height = latents.shape().height();
    int width = latents.shape().width();
    int all = frames.size() * (width + 1) - 1;
    var data = new float[3 * height * all];
    Arrays.fill(data, -1);
    for (int f = 0; f < frames.size(); f++) {
      for (int row = 0; row < 3 * height; row++) {
        System.arraycopy(
            frames.get(f).data(), row * width, data, row * all + f * (width + 1), width);
      }
    }
    return new VideoFrame(data, height, all, 0);
  }
}
