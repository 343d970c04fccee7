package io.github.tpdiff.cli.demo;

import io.github.tpdiff.cli.StageTimes;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.video.VideoClip;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/**
 * Generates the demo's videos.
 *
 * @param captions what they show
 * @param size of the videos
 * @param folder where they go
 * @param progress where lines go
 */
record DemoInference(
    List<String> captions, DemoSize size, DemoFolder folder, PrintWriter progress) {
  /** A video of each caption; the same captions draw the same noise whatever the way. */
  List<Take> generate(Take.Way way, PipelineParts parts) throws IOException {
    var takes = new ArrayList<Take>();
    for (int i = 0; i < captions.size(); i++) {
      var request =
          GenerationRequest.of(captions.get(i))
              .withSize(size.video())
              .withSampling(SamplingChoice.open().withSteps(size.sampling()))
              .withSeed(100 + i);
      try (var times = new StageTimes(progress)) {
        var video = new VideoPipeline(parts).generate(request, times);
        var file = folder.video("%02d-%s-%s".formatted(i, way.sampling, way.engine));
        VideoClip clip = video.clip();
        VideoWriter.write(file, clip);
        takes.add(new Take(captions.get(i), way, video.latents(), clip, times.stages(), file));
      }
    }
    return takes;
  }
}
