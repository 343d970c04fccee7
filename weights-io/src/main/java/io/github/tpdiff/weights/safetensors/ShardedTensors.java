package io.github.tpdiff.weights.safetensors;

import com.fasterxml.jackson.core.JsonToken;
import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.StrictJson.Malformed;
import io.github.tpdiff.weights.safetensors.StrictJson.Repeated;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * A checkpoint in several files, held together by an index ({@code *.safetensors.index.json},
 * {@code *.bin.index.json}).
 *
 * <p>Tensors of a shard that the index does not name are left out; shards lie beside the index.
 */
public final class ShardedTensors implements TensorSource {

  private final Path index;
  private final Collection<TensorSource> shards;
  private final Map<String, TensorSource> holders;

  private ShardedTensors(
      Path index, Collection<TensorSource> shards, Map<String, TensorSource> holders) {
    this.index = index;
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
        shards.put(shard, reader.apply(shardPath(index, shard)));
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
              .formatted(index, shard.replaceAll("\\p{Cntrl}", "?")));
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

  /** The files that hold the tensors. */
  public Set<Path> files() {
    Set<Path> files = new LinkedHashSet<>();
    shards.forEach(shard -> files.add(Path.of(shard.origin())));
    return files;
  }

  @Override
  public String origin() {
    return index.toString();
  }

  @Override
  public void close() {
    shards.forEach(TensorSource::close);
  }
}
