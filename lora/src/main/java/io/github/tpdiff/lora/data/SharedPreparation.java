package io.github.tpdiff.lora.data;

import io.github.tpdiff.lora.data.ClipEncoders.CaptionEncoder;
import io.github.tpdiff.lora.data.Preparation.Prepared;
import io.github.tpdiff.lora.data.Preparation.Source;
import io.github.tpdiff.lora.data.Preparation.Sources;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * A preparation that several machines share: one lists the files, each makes some, in any order and
 * as often as it likes, and from what became of all of them any machine has the set.
 *
 * <p>Cache files are named by what they were made of, and are the same whoever makes them. An
 * encoder is opened with the first file or text that needs it, and held until this is closed: that
 * of latents, or that of captions, never both. For one thread at a time.
 */
public final class SharedPreparation implements AutoCloseable {
  private final PreparationRequest request;
  private final ClipEncoders encoders;
  private final Preparation preparation;
  private final VideoEncoding encoding;
  private Optional<CaptionEncoder> captions = Optional.empty();

  /**
   * @param request what is to be made of which files, and where
   */
  public SharedPreparation(PreparationRequest request, ClipEncoders encoders) {
    this.request = request;
    this.encoders = encoders;
    this.preparation = new Preparation(request, encoders, new Sources(List.of(), List.of()));
    this.encoding = new VideoEncoding(request, encoders);
  }

  /** Makes the clips of a file, unless they are there. */
  public SharedVideo make(Source source) {
    closeCaptions();
    return preparation.share(source, encoding);
  }

  /** Makes what texts decide, unless it is there. */
  public void encode(Collection<String> texts) {
    encoding.close();
    var caches = CaptionCaches.in(request.cache(), encoders);
    if (!caches.areAllThere(texts)) {
      CaptionEncoder open = captions.orElseGet(encoders::openCaptions);
      captions = Optional.of(open);
      caches.make(open);
    }
  }

  /**
   * The texts to be encoded: of the files that gave clips, and of the request.
   *
   * @param videos what became of each file
   */
  public static List<String> texts(
      PreparationRequest request, Sources sources, List<SharedVideo> videos) {
    return Preparation.texts(request, sources, videos);
  }

  /**
   * The set, and what became of every file.
   *
   * @param encoders asked to encode the texts that are not there yet
   * @param videos what became of each file
   */
  public static Prepared gather(
      PreparationRequest request,
      ClipEncoders encoders,
      Sources sources,
      List<SharedVideo> videos) {
    return new Preparation(request, encoders, sources).gather(videos);
  }

  private void closeCaptions() {
    captions.ifPresent(CaptionEncoder::close);
    captions = Optional.empty();
  }

  @Override
  public void close() {
    encoding.close();
    closeCaptions();
  }
}
