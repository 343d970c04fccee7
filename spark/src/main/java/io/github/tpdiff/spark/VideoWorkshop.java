package io.github.tpdiff.spark;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.hash.Hashing;
import com.google.common.io.MoreFiles;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.media.VideoWriter;
import io.github.tpdiff.runtime.model.ModelRequest;
import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.runtime.serving.ServiceSetup;
import io.github.tpdiff.runtime.serving.VideoOrder;
import io.github.tpdiff.runtime.serving.VideoService;
import io.github.tpdiff.weights.AtomicFile;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;

/**
 * Makes videos of requests, with the model kept loaded. A video lies beside a file that says what
 * it was made of, written after it: with the same there, it is not made again.
 */
final class VideoWorkshop implements Workshop {
  private static final String MODEL = "model";

  private final GenerateVerb verb;
  private final Engine engine;
  private final VideoService service;

  VideoWorkshop(GenerateVerb verb) {
    this.verb = verb;
    this.engine = verb.openEngine();
    this.service =
        VideoService.open(ServiceSetup.of(Map.of(MODEL, verb.openCheckpoint().on(engine))));
  }

  @Override
  public String make(String item) {
    VideoRow row = VideoRow.parse(item);
    try {
      return make(row, verb.request(row)).json();
    } catch (CheckpointException | IllegalArgumentException refused) {
      return new VideoResult(
              row.id(),
              Optional.empty(),
              Optional.empty(),
              Optional.empty(),
              "",
              Optional.of(Executor.reason(refused)))
          .json();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private VideoResult make(VideoRow row, GenerationRequest request) throws IOException {
    String made = made(request);
    Path file = verb.videos().resolve(row.id() + ".mp4");
    Path note = verb.videos().resolve(row.id() + ".json");
    if (Files.isRegularFile(file) && Files.isRegularFile(note)) {
      VideoResult there = VideoResult.parse(Files.readString(note), note.toString());
      if (there.made().equals(made)) {
        return there;
      }
    }
    Files.deleteIfExists(note);
    try {
      var order = VideoOrder.of(MODEL, request);
      service.check(order);
      service.submit(order, video -> VideoWriter.write(file, video)).result().join();
    } catch (CompletionException failure) {
      if (failure.getCause() instanceof RuntimeException own) {
        throw own;
      }
      throw new IOException(failure.getCause());
    }
    var result =
        new VideoResult(
            row.id(),
            Optional.of(request.prompt()),
            Optional.of(GenerateVerb.VIDEOS + '/' + file.getFileName()),
            Optional.of(MoreFiles.asByteSource(file).hash(Hashing.sha256()).toString()),
            made,
            Optional.empty());
    AtomicFile.write(note, (result.json() + "\n").getBytes(UTF_8));
    return result;
  }

  /** A hash of the request with its LoRAs, and of what it is made with. */
  private String made(GenerationRequest request) {
    ModelRequest model = verb.model();
    return Hashing.sha256()
        .hashString(GenerationRequest.JSON.format(request) + '\n' + model + verb.weights(), UTF_8)
        .toString();
  }

  @Override
  public void close() {
    service.close();
    engine.close();
  }
}
