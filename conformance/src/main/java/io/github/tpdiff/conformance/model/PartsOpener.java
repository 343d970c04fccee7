package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.GoldenCase;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.Role;
import java.util.Map;

/** Opens the components that a case is about; how is its family's business. */
public interface PartsOpener {
  /** Components over weights that are closed with them. */
  Map<Role, Component> open(GoldenCase golden);
}
