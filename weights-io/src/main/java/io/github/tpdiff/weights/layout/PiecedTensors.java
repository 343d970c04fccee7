package io.github.tpdiff.weights.layout;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.FileRegion;
import io.github.tpdiff.weights.ScaledCodes;
import io.github.tpdiff.weights.Slices;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.TensorView;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Tensors that are made of consecutive bytes of another source's tensors; nothing is copied. */
final class PiecedTensors extends TensorView {

  /** Bytes {@code [offset, offset + length)} of a tensor of the source. */
  record Piece(String name, long offset, long length) {}

  private record Tensor(TensorInfo info, List<Piece> pieces) {}

  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  PiecedTensors(TensorSource source) {
    super(source);
  }

  /**
   * Adds a tensor whose payload is that of the pieces in turn.
   *
   * @throws CheckpointException when there is one of that name or the pieces have another size
   */
  void add(TensorInfo info, List<Piece> pieces) {
    long size = pieces.stream().mapToLong(Piece::length).sum();
    if (size != info.byteCount()) {
      throw new CheckpointException(
          "%s: tensor '%s': expected %d bytes for %s, found %d in %s"
              .formatted(
                  origin(),
                  info.name(),
                  info.byteCount(),
                  info.shape(),
                  size,
                  pieces.stream().map(Piece::name).toList()));
    }
    Tensor other = tensors.putIfAbsent(info.name(), new Tensor(info, List.copyOf(pieces)));
    if (other != null) {
      throw new CheckpointException(
          "%s: tensors '%s' and '%s' would both be named '%s'"
              .formatted(
                  origin(), other.pieces().get(0).name(), pieces.get(0).name(), info.name()));
    }
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(tensors.keySet());
  }

  @Override
  public Optional<TensorInfo> find(String name) {
    return Optional.ofNullable(tensors.get(name)).map(Tensor::info);
  }

  @Override
  public ByteBuffer bytes(String name, long offset, int length) {
    Slices.check(this, require(name), offset, length);
    List<ByteBuffer> parts = new ArrayList<>();
    long start = 0;
    for (Piece piece : pieces(name)) {
      long from = Math.max(offset, start);
      long to = Math.min(offset + length, start + piece.length());
      if (from < to) {
        parts.add(source().bytes(piece.name(), piece.offset() + from - start, (int) (to - from)));
      }
      start += piece.length();
    }
    return parts.size() == 1 ? parts.get(0) : joined(parts, length);
  }

  private static ByteBuffer joined(List<ByteBuffer> parts, int length) {
    ByteBuffer whole = ByteBuffer.allocateDirect(length);
    parts.forEach(whole::put);
    return whole.flip().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public Optional<FileRegion> region(String name) {
    require(name);
    List<Piece> pieces = pieces(name);
    Piece piece = pieces.get(0);
    return pieces.size() > 1
        ? Optional.empty()
        : source()
            .region(piece.name())
            .map(
                whole ->
                    new FileRegion(whole.file(), whole.offset() + piece.offset(), piece.length()));
  }

  @Override
  public TensorInfo stored(String name) {
    TensorInfo info = require(name);
    return new TensorInfo(name, source().stored(pieces(name).get(0).name()).dtype(), info.shape());
  }

  /** None of tensors with scales: a piece may begin within a row. */
  @Override
  public Optional<ScaledCodes> scaled(String name) {
    return require(name).dtype().isEightBitFloat()
        ? Optional.of(ScaledCodes.plain(this, name))
        : Optional.empty();
  }

  private List<Piece> pieces(String name) {
    return Optional.ofNullable(tensors.get(name)).orElseThrow().pieces();
  }
}
