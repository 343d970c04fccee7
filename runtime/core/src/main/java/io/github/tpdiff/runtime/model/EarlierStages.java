package io.github.tpdiff.runtime.model;

import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * Stages of versions 1.0, which were over time alone, and 1.1, which were all linked, as of 1.2.
 */
final class EarlierStages {
  private EarlierStages() {}

  /** The tree with what it took for granted said, where it does not say it. */
  static ObjectNode upgraded(ObjectNode tree) {
    if (!tree.has("space")) {
      tree.putObject("space").put("downsampling", "mean").put("upsampling", "nearest");
    }
    if (!tree.has("targets")) {
      tree.put("targets", "latent");
    }
    if (!tree.has("positions")) {
      tree.put("positions", "scaled");
    }
    if (!tree.has("ends")) {
      tree.put("ends", "linked");
    }
    return tree;
  }
}
