package io.github.tpdiff.quickstart;

import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.onnx.ExportedFolder;
import io.github.tpdiff.runtime.onnx.OnnxDevice;
import io.github.tpdiff.runtime.onnx.OnnxEngine;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.serving.Generation;
import io.github.tpdiff.runtime.serving.ServiceSetup;
import io.github.tpdiff.runtime.serving.VideoOrder;
import io.github.tpdiff.runtime.serving.VideoService;
import java.nio.file.Path;
import java.util.Map;

/** Makes a video with an exported folder in the working folder, as the README has it. */
public final class Quickstart {
  private Quickstart() {}

  /** Writes {@code ball.mp4}; arguments are not looked at. */
  public static void main(String[] arguments) throws Exception {
    // README begins
    var ball = ExportedFolder.opener(Path.of("exported"), OnnxEngine.on(OnnxDevice.AUTO));
    try (VideoService service = VideoService.open(ServiceSetup.of(Map.of("ball", ball)))) {
      var order = VideoOrder.of("ball", GenerationRequest.of("red ball rolls right"));
      Generation<Path> video =
          service.submit(order, made -> VideoWriter.write(Path.of("ball.mp4"), made));
      while (!video.state().isDone()) {
        System.out.println(video.state() + " " + video.progress() + " %");
        Thread.sleep(1000);
      }
      System.out.println("wrote " + video.result().get());
    }
    // README ends
  }
}
