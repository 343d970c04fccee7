package io.github.tpdiff.lora.data;

import static com.google.common.base.Preconditions.checkArgument;

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
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** A training set in the files that {@link Preparation} made; each is read when needed. */
public final class CachedSet implements TrainingSet {

  /** A clip and its caption, in their files. */
  record Entry(VideoCaches caches, LatentCache.Entry clip, CaptionCache caption) {
    Path video() {
      return caches.full().file();
    }
  }

  private final Flow flow;
  private final List<Entry> entries;
  private final CaptionCache uncaptioned;
  private final List<CaptionCache> prompts;

  CachedSet(Flow flow, List<Entry> entries, CaptionCache uncaptioned, List<CaptionCache> prompts) {
    this.flow = flow;
    this.entries = List.copyOf(entries);
    this.uncaptioned = uncaptioned;
    this.prompts = List.copyOf(prompts);
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
   *
   * @throws IllegalArgumentException if nothing would be left to train on
   */
  public Split split(double share) {
    checkArgument(share >= 0 && share < 1, "data.validation: in [0, 1), found %s", share);
    List<Path> videos =
        entries.stream()
            .map(Entry::video)
            .distinct()
            .sorted(Comparator.comparing(v -> hash(v.getFileName().toString())))
            .toList();
    int out = (int) Math.ceil(share * videos.size());
    checkArgument(
        out < videos.size(),
        "data.validation: holding out %s of %s videos leaves none to train on; add videos or set it"
            + " to 0",
        out,
        videos.size());
    List<Path> held = videos.subList(0, out);
    var training = new ArrayList<Entry>();
    var heldOut = new ArrayList<Entry>();
    entries.forEach(e -> (held.contains(e.video()) ? heldOut : training).add(e));
    return new Split(
        new CachedSet(flow, training, uncaptioned, prompts),
        new CachedSet(flow, heldOut, uncaptioned, prompts));
  }

  private static String hash(String text) {
    return Hashing.sha256().hashString(text, StandardCharsets.UTF_8).toString();
  }

  @Override
  public List<LatentShape> shapes() {
    return entries.stream().map(e -> e.clip().shape()).toList();
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
    return uncaptioned.read();
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
    return new Conditions(flow, uncaptioned.read());
  }

  /** What the network is told of each of the request's prompts, as of a clip. */
  public List<Conditions> prompts() {
    return prompts.stream().map(prompt -> new Conditions(flow, prompt.read())).toList();
  }

  @Override
  public String fingerprint() {
    var text = new StringBuilder(uncaptioned.file().getFileName().toString());
    entries.forEach(
        e ->
            text.append('\n')
                .append(e.video().getFileName())
                .append(e.clip().number())
                .append(e.caption().file().getFileName()));
    return hash(text.toString());
  }
}
