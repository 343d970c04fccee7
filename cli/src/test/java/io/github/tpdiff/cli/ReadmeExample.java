package io.github.tpdiff.cli;

import io.github.tpdiff.lora.LoraModels;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.Families;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.model.VideoModel;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.torch.TorchEngine;
import io.github.tpdiff.weights.lora.LoraFile;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.io.IOException;
import java.nio.file.Path;

/** The Java that the README shows. */
final class ReadmeExample {
  private ReadmeExample() {}

  public static void main(String[] arguments) throws IOException {
    // README begins
    LoraWeights lora = LoraFile.read(Path.of("output/pytorch_lora_weights.safetensors")).weights();
    try (VideoModel model = LoraModels.applied(Families.open(Path.of("demo/checkpoint")), lora, 1);
        Engine engine = TorchEngine.best();
        PipelineParts parts = PipelineParts.of(model, engine)) {
      var request = GenerationRequest.of("red ball rolls right");
      var video = new VideoPipeline(parts).generate(request, GenerationListener.silent());
      VideoWriter.write(Path.of("java.mp4"), video);
    }
    // README ends
  }
}
