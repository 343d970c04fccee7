package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.CaseException;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.pipeline.Component;
import io.github.tpdiff.runtime.pipeline.Role;
import io.github.tpdiff.weights.TensorSource;
import java.util.Map;
import java.util.Optional;

/** Components of a case's checkpoint, whose weights are closed with them. */
record OpenComponents(Map<Role, Component> components) implements AutoCloseable {
  Component require(Role role) {
    return Optional.ofNullable(components.get(role))
        .orElseThrow(() -> new CaseException(role.label() + ": the checkpoint has no such part"));
  }

  Executable load(Engine engine, Role role) {
    Component component = require(role);
    return engine.load(component.program(), component.weights());
  }

  @Override
  public void close() {
    components.values().stream().map(Component::weights).distinct().forEach(TensorSource::close);
  }
}
