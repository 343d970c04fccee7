package io.github.tpdiff.runtime.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Extents of a tensor, outermost first. */
public record Shape(List<Dim> dims) {
  public Shape {
    dims = List.copyOf(dims);
  }

  /** From {@link Dim}s, integers, and strings (symbols). */
  public static Shape of(Object... extents) {
    var dims = new ArrayList<Dim>();
    for (Object extent : extents) {
      if (extent instanceof Dim dim) {
        dims.add(dim);
      } else if (extent instanceof Number number) {
        dims.add(Dim.of(number.longValue()));
      } else if (extent instanceof String name) {
        dims.add(Dim.symbol(name));
      } else {
        throw new GraphException(
            "shape extent: expected a Dim, an integer or a symbol, found " + extent);
      }
    }
    return new Shape(dims);
  }

  public int rank() {
    return dims.size();
  }

  /** The extent of {@code axis}; negative axes count from the end. */
  public Dim dim(int axis) {
    return dims.get(axis(axis));
  }

  /** {@code axis} as a non-negative index. */
  public int axis(int axis) {
    int index = axis < 0 ? axis + rank() : axis;
    if (index < 0 || index >= rank()) {
      throw new GraphException("axis " + axis + " does not exist in shape " + this);
    }
    return index;
  }

  public Shape with(int axis, Dim dim) {
    var copy = new ArrayList<>(dims);
    copy.set(axis(axis), dim);
    return new Shape(copy);
  }

  public Dim elementCount() {
    Dim product = Dim.of(1);
    for (Dim dim : dims) {
      product = product.times(dim);
    }
    return product;
  }

  public long[] evaluate(Map<String, Long> binding) {
    return dims.stream().mapToLong(d -> d.evaluate(binding)).toArray();
  }

  /** This shape with symbols replaced by what they stand for; others stay. */
  public Shape substitute(Map<String, Dim> meanings) {
    return new Shape(dims.stream().map(dim -> dim.substitute(meanings)).toList());
  }

  /** True if every extent is fixed. */
  public boolean isFixed() {
    return dims.stream().allMatch(Dim::isFixed);
  }

  /**
   * Broadcasts as NumPy does: right-aligned, extents equal or 1.
   *
   * @throws GraphException if an axis does not fit
   */
  public static Shape broadcast(Shape a, Shape b) {
    int rank = Math.max(a.rank(), b.rank());
    var dims = new ArrayList<Dim>();
    for (int i = 0; i < rank; i++) {
      int ia = i - (rank - a.rank());
      int ib = i - (rank - b.rank());
      Dim da = ia < 0 ? Dim.of(1) : a.dims.get(ia);
      Dim db = ib < 0 ? Dim.of(1) : b.dims.get(ib);
      if (da.equals(db) || db.is(1)) {
        dims.add(da);
      } else if (da.is(1)) {
        dims.add(db);
      } else {
        throw new GraphException("shapes " + a + " and " + b + " do not broadcast");
      }
    }
    return new Shape(dims);
  }

  @Override
  public String toString() {
    return dims.stream().map(Dim::toString).collect(Collectors.joining(", ", "[", "]"));
  }
}
