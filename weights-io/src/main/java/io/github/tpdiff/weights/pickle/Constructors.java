package io.github.tpdiff.weights.pickle;

import java.util.List;

/** What a pickle may name and build. */
interface Constructors {

  /**
   * The meaning of a global name.
   *
   * @throws PickleException naming it, when it is not on the list
   */
  Object global(String module, String name) throws PickleException;

  /** The object that a global makes of its arguments. */
  Object call(Object callable, List<Object> arguments) throws PickleException;

  /** The object behind a persistent id. */
  Object persistent(Object id) throws PickleException;
}
