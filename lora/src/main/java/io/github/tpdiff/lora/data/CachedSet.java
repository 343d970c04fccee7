package io.github.tpdiff.lora.data;

import com.google.common.hash.Hashing;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.Latents;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Conditions;
import io.github.tpdiff.runtime.model.Flow;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A training set in the files that {@link Preparation} made; each is read when needed. */
public final class CachedSet implements TrainingSet {

  /**
   * Where a clip came from.
   *
   * @param file video or picture
   * @param sha256 of the file
   * @param set number of the data set
   * @param caption that is trained on
   */
  record Origin(Path file, String sha256, int set, String caption) {}

  /** A clip and its caption, in their files, and where it came from. */
  record Entry(VideoCaches caches, LatentCache.Entry clip, CaptionCache caption, Origin origin) {
    Path video() {
      return caches.full().file();
    }
  }

  /** What stands in for dropped captions, and what the request's prompts decide. */
  record Prompts(CaptionCache uncaptioned, List<CaptionCache> asked) {
    Prompts {
      asked = List.copyOf(asked);
    }
  }

  private final Flow flow;
  private final List<Entry> entries;
  private final Prompts prompts;
  private final List<SetShare> shares;

  /**
   * @param shares of the data sets, by number
   */
  CachedSet(Flow flow, List<Entry> entries, Prompts prompts, List<SetShare> shares) {
    this.flow = flow;
    this.entries = List.copyOf(entries);
    this.prompts = prompts;
    this.shares = List.copyOf(shares);
  }

  List<Entry> entries() {
    return entries;
  }

  /**
   * Two parts of a set.
   *
   * @param training to train on
   * @param heldOut to validate on
   */
  public record Split(CachedSet training, CachedSet heldOut) {}

  /**
   * Holds out whole videos, chosen by their content: at least one clip if {@code share} is above 0.
   * A video that several sets have is held out of all of them.
   *
   * @throws IllegalArgumentException if nothing would be left to train on
   */
  public Split split(double share) {
    Map<String, String> latents = new LinkedHashMap<>();
    entries.forEach(
        e -> latents.putIfAbsent(e.origin().sha256(), e.video().getFileName().toString()));
    Set<String> held = HeldOut.of(latents, share);
    var training = new ArrayList<Entry>();
    var heldOut = new ArrayList<Entry>();
    entries.forEach(e -> (held.contains(e.origin().sha256()) ? heldOut : training).add(e));
    return new Split(
        new CachedSet(flow, training, prompts, shares),
        new CachedSet(flow, heldOut, prompts, shares));
  }

  private static String hash(String text) {
    return Hashing.sha256().hashString(text, StandardCharsets.UTF_8).toString();
  }

  @Override
  public List<LatentShape> shapes() {
    return entries.stream().map(e -> e.clip().shape()).toList();
  }

  @Override
  public EpochVisits<LatentShape> visits() {
    return visits(shapes());
  }

  private <S> EpochVisits<S> visits(List<S> shapes) {
    return EpochVisits.of(shapes, entries.stream().map(e -> e.origin().set()).toList(), shares);
  }

  /**
   * What batches of so many clips an epoch has.
   *
   * @param size of a batch
   */
  public EpochBatches batches(int size) {
    return EpochBatches.of(
        visits(entries.stream().map(e -> e.clip().made().size()).toList()), size);
  }

  @Override
  public Latents latents(int clip) {
    return latents(clip, GridFactor.ONE);
  }

  @Override
  public Latents latents(int clip, GridFactor strides) {
    Entry entry = entries.get(clip);
    return entry.caches().of(strides).latents(entry.clip().number());
  }

  @Override
  public Conditions conditions(int clip) {
    Entry entry = entries.get(clip);
    return new Conditions(flow, entry.caption().read()).with(pictures(entry));
  }

  private Conditions pictures(Entry entry) {
    return entry.caches().pictures(flow, entry.clip());
  }

  @Override
  public Map<String, Tensor> uncaptioned() {
    return prompts.uncaptioned().read();
  }

  /**
   * What pictures decide of clips of a shape.
   *
   * @param most clips
   */
  public List<Conditions> pictures(LatentShape shape, int most) {
    return entries.stream()
        .filter(entry -> entry.clip().shape().equals(shape))
        .limit(most)
        .map(this::pictures)
        .filter(pictures -> !pictures.values().isEmpty())
        .toList();
  }

  /** What the network is told in place of a prompt. */
  public Conditions uncaptionedPrompt() {
    return new Conditions(flow, prompts.uncaptioned().read());
  }

  /** What the network is told of each of the request's prompts, as of a clip. */
  public List<Conditions> prompts() {
    return prompts.asked().stream().map(prompt -> new Conditions(flow, prompt.read())).toList();
  }

  @Override
  public String fingerprint() {
    var text = new StringBuilder(prompts.uncaptioned().file().getFileName().toString());
    entries.forEach(
        e ->
            text.append('\n')
                .append(e.video().getFileName())
                .append(e.clip().number())
                .append(e.caption().file().getFileName()));
    return hash(text.toString());
  }
}
