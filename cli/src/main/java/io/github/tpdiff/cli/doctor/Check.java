package io.github.tpdiff.cli.doctor;

import java.util.List;

/** Looks at one thing. */
@FunctionalInterface
interface Check {
  /** What it found, in the order to be told. */
  List<Finding> findings();
}
