package io.github.tpdiff.weights.safetensors;

import com.fasterxml.jackson.core.JsonToken;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.PrintableText;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.StrictJson.Malformed;
import io.github.tpdiff.weights.safetensors.StrictJson.Repeated;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * A checkpoint in several files, held together by an index ({@code *.safetensors.index.json},
 * {@code *.bin.index.json}) or by their names alone.
 *
 * <p>Tensors of a shard that the index does not name are left out; shards lie beside the index.
 */
public final class ShardedTensors implements TensorSource {

  private final Path path;
  private final Collection<TensorSource> shards;
  private final Map<String, TensorSource> holders;

  private ShardedTensors(
      Path path, Collection<TensorSource> shards, Map<String, TensorSource> holders) {
    this.path = path;
    this.shards = shards;
    this.holders = holders;
  }

  /** Opens an index and the headers of all its shards, which are safetensors files. */
  public static ShardedTensors open(Path index) {
    return open(index, SafetensorsFile::open);
  }

  /**
   * Opens an index and the headers of all its shards.
   *
   * @param reader of one shard
   * @throws CheckpointException when the index is damaged or names a file outside its folder, or a
   *     shard is missing, damaged, or lacks a tensor
   */
  public static ShardedTensors open(Path index, Function<Path, ? extends TensorSource> reader) {
    Map<String, String> weightMap = weightMap(index);
    Map<String, TensorSource> shards = new LinkedHashMap<>();
    try {
      for (String shard : new TreeSet<>(weightMap.values())) {
        Path file = shardPath(index, shard);
        if (!Files.exists(file)) {
          throw new CheckpointException(
              "%s: expected the shard '%s' beside the index, found nothing; download it too"
                  .formatted(index, shard));
        }
        shards.put(shard, reader.apply(file));
      }
      Map<String, TensorSource> holders = new LinkedHashMap<>();
      shards.forEach(
          (shard, file) ->
              file.names().stream()
                  .filter(name -> shard.equals(weightMap.get(name)))
                  .forEach(name -> holders.put(name, file)));
      weightMap.forEach((name, shard) -> requireHeld(index, holders, name, shard));
      return new ShardedTensors(index, shards.values(), holders);
    } catch (RuntimeException failure) {
      shards.values().forEach(TensorSource::close);
      throw failure;
    }
  }

  /**
   * Opens shards that no index holds together.
   *
   * @param files all shards, at least one
   * @throws CheckpointException when one is damaged or two hold a tensor of the same name
   */
  public static ShardedTensors join(
      List<Path> files, Function<Path, ? extends TensorSource> reader) {
    List<TensorSource> shards = new ArrayList<>();
    try {
      Map<String, TensorSource> holders = new LinkedHashMap<>();
      for (Path file : files) {
        TensorSource shard = reader.apply(file);
        shards.add(shard);
        for (String name : shard.names()) {
          TensorSource other = holders.putIfAbsent(name, shard);
          if (other != null) {
            throw new CheckpointException(
                "%s and %s both hold a tensor '%s'; expected shards of one checkpoint"
                    .formatted(other.origin(), shard.origin(), name));
          }
        }
      }
      return new ShardedTensors(files.get(0), shards, holders);
    } catch (RuntimeException failure) {
      shards.forEach(TensorSource::close);
      throw failure;
    }
  }

  /**
   * The names of the shards that an index lists.
   *
   * @throws CheckpointException when the index is damaged
   */
  public static Set<String> shards(Path index) {
    return new TreeSet<>(weightMap(index).values());
  }

  private static void requireHeld(
      Path index, Map<String, TensorSource> holders, String name, String shard) {
    if (!holders.containsKey(name)) {
      throw new CheckpointException(
          "%s: tensor '%s' should be in shard '%s', which does not hold it"
              .formatted(index, name, shard));
    }
  }

  private static Map<String, String> weightMap(Path index) {
    try {
      if (Files.size(index) > SafetensorsHeader.MAX_BYTES) {
        throw new CheckpointException(
            "%s: expected an index of at most %d bytes, found %d"
                .formatted(index, SafetensorsHeader.MAX_BYTES, Files.size(index)));
      }
      try (StrictJson parser = StrictJson.open(Files.readAllBytes(index))) {
        return weightMap(parser);
      }
    } catch (Malformed malformed) {
      throw new CheckpointException(
          "%s: damaged index: %s".formatted(index, malformed.getMessage()), malformed);
    } catch (IOException failure) {
      throw new CheckpointException(
          "%s: cannot be read as an index: %s".formatted(index, StrictJson.reason(failure)),
          failure);
    }
  }

  private static Map<String, String> weightMap(StrictJson parser) throws IOException, Malformed {
    Optional<Map<String, String>> map = Optional.empty();
    parser.expect(JsonToken.START_OBJECT, "a JSON object");
    while (parser.nextName()) {
      if (!parser.name().equals("weight_map")) {
        parser.skip();
      } else if (map.isPresent()) {
        throw new Malformed("'weight_map' appears twice");
      } else {
        map = Optional.of(parser.strings("weight_map", Repeated.REFUSED));
      }
    }
    parser.expectEnd();
    return map.orElseThrow(() -> new Malformed("'weight_map' is missing"));
  }

  private static Path shardPath(Path index, String shard) {
    boolean plain =
        !shard.isEmpty()
            && !shard.equals(".")
            && !shard.equals("..")
            && shard.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c < ' ');
    if (!plain) {
      throw new CheckpointException(
          "%s: expected the name of a file beside the index, found '%s'"
              .formatted(index, PrintableText.of(shard)));
    }
    return index.resolveSibling(shard);
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(holders.keySet());
  }

  @Override
  public Optional<TensorInfo> find(String name) {
    return Optional.ofNullable(holders.get(name)).flatMap(shard -> shard.find(name));
  }

  @Override
  public ByteBuffer bytes(String name, long offset, int length) {
    TensorSource shard = holders.get(name);
    if (shard == null) {
      throw new CheckpointException(
          "%s: tensor '%s' is missing".formatted(origin(), require(name).name()));
    }
    return shard.bytes(name, offset, length);
  }

  @Override
  public Optional<FileRegion> region(String name) {
    return Optional.ofNullable(holders.get(name)).flatMap(shard -> shard.region(name));
  }

  /** The shards' metadata together; the first shard to name a key decides. */
  @Override
  public Map<String, String> metadata() {
    Map<String, String> all = new LinkedHashMap<>();
    shards.forEach(shard -> shard.metadata().forEach(all::putIfAbsent));
    return Collections.unmodifiableMap(all);
  }

  @Override
  public String origin() {
    return path.toString();
  }

  @Override
  public void requireUnchanged() {
    shards.forEach(TensorSource::requireUnchanged);
  }

  @Override
  public void close() {
    shards.forEach(TensorSource::close);
  }
}
