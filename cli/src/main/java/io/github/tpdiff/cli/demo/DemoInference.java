package io.github.tpdiff.cli.demo;

import io.github.tpdiff.cli.StageTimes;
import io.github.tpdiff.runtime.diffusion.StageChoice;
import io.github.tpdiff.runtime.media.PngWriter;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.SamplingChoice;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.video.VideoClip;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Generates the demo's videos.
 *
 * @param captions what they show
 * @param clips whose first frames they begin with, for models that are told of pictures
 * @param size of the videos
 * @param stages what staged sampling is asked for
 * @param folder where they go
 * @param progress where lines go
 */
record DemoInference(
    List<String> captions,
    Optional<RenderedClips> clips,
    DemoSize size,
    StageChoice stages,
    DemoFolder folder,
    PrintWriter progress) {
  /** A video of each caption; the same captions draw the same noise whatever the way. */
  List<Take> generate(Take.Way way, PipelineParts parts) throws IOException {
    var takes = new ArrayList<Take>();
    for (int i = 0; i < captions.size(); i++) {
      var request =
          GenerationRequest.of(captions.get(i))
              .withSize(size.video())
              .withSampling(
                  SamplingChoice.open()
                      .withSteps(size.sampling())
                      .withStages(way.isStaged() ? stages : StageChoice.asTrained()))
              .withSeed(100 + i);
      if (clips.isPresent()) {
        request = request.withPicture(picture(clips.get(), i));
      }
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

  private Path picture(RenderedClips shown, int caption) throws IOException {
    Path file = folder.picture(caption);
    PngWriter.write(file, shown.clip(shown.captions().indexOf(captions.get(caption))).frame(0));
    return file;
  }
}
