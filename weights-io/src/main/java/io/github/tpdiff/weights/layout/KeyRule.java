package io.github.tpdiff.weights.layout;

import java.util.List;

/**
 * One module under its names in both layouts.
 *
 * @param originals its name in the authors' layout, and any further names under which that layout
 *     holds the same values again
 * @param diffusers its name, or those of the parts that the authors' layout keeps in one tensor
 * @param form how the values lie
 * @param scope the diffusers name of what it belongs to: present as a whole or not at all
 * @param optional whether models of the family may lack it
 */
record KeyRule(
    List<NameTemplate> originals,
    List<Part> diffusers,
    Form form,
    NameTemplate scope,
    boolean optional) {

  /** A module of diffusers' layout and its share of the rows of the original tensor. */
  record Part(NameTemplate name, int share) {}

  /** What differs besides the name. */
  enum Form {
    /** Nothing. */
    ALIKE,
    /** The original has axes of one in front, three axes in all. */
    LEADING_ONES,
    /** The original is a convolution of kernel 1, diffusers has a linear layer. */
    POINTWISE,
    /** The second half of the original's rows comes first in diffusers. */
    SWAPPED_HALVES,
    /** The original stacks the rows of several modules. */
    STACKED
  }

  KeyRule {
    originals = List.copyOf(originals);
    diffusers = List.copyOf(diffusers);
  }

  NameTemplate original() {
    return originals.get(0);
  }

  /** The sum of the parts' shares. */
  int shares() {
    return diffusers.stream().mapToInt(Part::share).sum();
  }
}
