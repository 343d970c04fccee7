package io.github.tpdiff.weights.layout;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.layout.KeyMap.Match;
import io.github.tpdiff.weights.layout.KeyRule.Form;
import io.github.tpdiff.weights.layout.PiecedTensors.Piece;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** One network's tensors from one layout in the other; names the key map lacks stay. */
final class Translation {

  private static final int AXES_WITH_LEADING_ONES = 3;

  private final TensorSource source;
  private final PiecedTensors result;

  private Translation(TensorSource source) {
    this.source = source;
    this.result = new PiecedTensors(source);
  }

  /** From the authors' layout to diffusers'. */
  static TensorSource fromOriginal(TensorSource source, KeyMap keys) {
    Translation translation = new Translation(source);
    for (String name : source.names()) {
      keys.matchOriginal(name)
          .ifPresentOrElse(
              match -> translation.addDiffusers(name, match), () -> translation.keep(name, name));
    }
    return translation.result;
  }

  /** From diffusers' layout, older names and shapes included, to its present form. */
  static TensorSource modernised(TensorSource source, KeyMap keys) {
    Translation translation = new Translation(source);
    boolean changed = false;
    for (String name : source.names()) {
      Optional<Match> match = keys.matchDiffusers(name);
      String modern = match.map(found -> found.diffusers(found.place())).orElse(name);
      TensorInfo info = source.require(name);
      if (!modern.equals(name) && source.find(modern).isPresent()) {
        changed = true; // the same values under their older name
      } else if (match.isPresent() && isKernel(match.get(), info)) {
        changed = true;
        translation.reshape(name, modern, info.shape().subList(0, 2));
      } else {
        changed |= !modern.equals(name);
        translation.keep(name, modern);
      }
    }
    return changed ? translation.result : source;
  }

  /** From diffusers' present form to the authors' layout. */
  static TensorSource toOriginal(TensorSource source, KeyMap keys) {
    Translation translation = new Translation(source);
    Set<String> stacked = new LinkedHashSet<>();
    for (String name : source.names()) {
      keys.matchDiffusers(name)
          .ifPresentOrElse(
              match -> {
                if (match.rule().form() != Form.STACKED) {
                  translation.addOriginal(name, match);
                } else if (stacked.add(match.original(0))) {
                  translation.addStacked(match);
                }
              },
              () -> translation.keep(name, name));
    }
    return translation.result;
  }

  private void addDiffusers(String name, Match match) {
    TensorInfo info = source.require(name);
    if (match.place() > 0 && source.find(match.original(0)).isPresent()) {
      return; // a repetition
    }
    switch (match.rule().form()) {
      case ALIKE -> keep(name, match.diffusers(0));
      case POINTWISE -> {
        if (isKernel(match, info)) {
          reshape(name, match.diffusers(0), info.shape().subList(0, 2));
        } else {
          keep(name, match.diffusers(0));
        }
      }
      case LEADING_ONES -> reshape(name, match.diffusers(0), withoutLeadingOnes(info.shape()));
      case SWAPPED_HALVES -> swapHalves(name, match.diffusers(0));
      case STACKED -> split(name, match);
    }
  }

  private void addOriginal(String name, Match match) {
    TensorInfo info = source.require(name);
    for (int i = 0; i < match.rule().originals().size(); i++) {
      String original = match.original(i);
      switch (match.rule().form()) {
        case POINTWISE -> {
          List<Long> shape = new ArrayList<>(info.shape());
          if (shape.size() == 2) {
            shape.addAll(List.of(1L, 1L));
          }
          reshape(name, original, shape);
        }
        case LEADING_ONES -> {
          List<Long> shape = new ArrayList<>(info.shape());
          while (shape.size() < AXES_WITH_LEADING_ONES) {
            shape.add(0, 1L);
          }
          reshape(name, original, shape);
        }
        case SWAPPED_HALVES -> swapHalves(name, original);
        default -> keep(name, original);
      }
    }
  }

  private static List<Long> withoutLeadingOnes(List<Long> shape) {
    int ones = 0;
    while (ones < shape.size() - 1 && shape.get(ones) == 1) {
      ones++;
    }
    return shape.subList(ones, shape.size());
  }

  private static boolean isKernel(Match match, TensorInfo info) {
    return match.rule().form() == Form.POINTWISE
        && info.shape().size() == 4
        && info.shape().get(2) == 1
        && info.shape().get(3) == 1;
  }

  private void keep(String name, String newName) {
    reshape(name, newName, source.require(name).shape());
  }

  private void reshape(String name, String newName, List<Long> shape) {
    TensorInfo info = source.require(name);
    result.add(
        new TensorInfo(newName, info.dtype(), shape),
        List.of(new Piece(name, 0, info.byteCount())));
  }

  private void swapHalves(String name, String newName) {
    TensorInfo info = source.require(name);
    rows(info, 2);
    long half = info.byteCount() / 2;
    result.add(
        info.withName(newName), List.of(new Piece(name, half, half), new Piece(name, 0, half)));
  }

  private void split(String name, Match match) {
    TensorInfo info = source.require(name);
    long rows = rows(info, match.rule().shares());
    long done = 0;
    for (int i = 0; i < match.rule().diffusers().size(); i++) {
      int share = match.rule().diffusers().get(i).share();
      List<Long> shape = new ArrayList<>(info.shape());
      shape.set(0, rows * share);
      TensorInfo part = new TensorInfo(match.diffusers(i), info.dtype(), shape);
      result.add(part, List.of(new Piece(name, done, part.byteCount())));
      done += part.byteCount();
    }
  }

  private void addStacked(Match match) {
    List<Piece> pieces = new ArrayList<>();
    long rows = 0;
    TensorInfo first = source.require(match.diffusers(0));
    for (int i = 0; i < match.rule().diffusers().size(); i++) {
      TensorInfo info = source.require(match.diffusers(i));
      boolean fits =
          info.dtype() == first.dtype()
              && info.shape().size() == first.shape().size()
              && !info.shape().isEmpty()
              && info.shape()
                  .subList(1, info.shape().size())
                  .equals(first.shape().subList(1, first.shape().size()));
      if (!fits) {
        throw new CheckpointException(
            "%s: tensor '%s': expected %s and rows as of '%s', %s; found %s %s"
                .formatted(
                    source.origin(),
                    info.name(),
                    first.dtype(),
                    first.name(),
                    first.shape(),
                    info.dtype(),
                    info.shape()));
      }
      rows += info.shape().get(0);
      pieces.add(new Piece(info.name(), 0, info.byteCount()));
    }
    List<Long> shape = new ArrayList<>(first.shape());
    shape.set(0, rows);
    result.add(new TensorInfo(match.original(0), first.dtype(), shape), pieces);
  }

  /** The rows of one share. */
  private long rows(TensorInfo info, int shares) {
    if (info.shape().isEmpty() || info.shape().get(0) % shares != 0) {
      throw new CheckpointException(
          "%s: tensor '%s': expected a multiple of %d rows, found %s"
              .formatted(source.origin(), info.name(), shares, info.shape()));
    }
    return info.shape().get(0) / shares;
  }
}
