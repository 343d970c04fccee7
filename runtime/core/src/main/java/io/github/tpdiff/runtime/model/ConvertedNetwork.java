package io.github.tpdiff.runtime.model;

import io.github.tpdiff.weights.layout.Network;
import java.util.Map;

/**
 * A network that was converted to diffusers' layout.
 *
 * @param network what it is
 * @param folder its folder's name, such as {@code transformer_2}
 * @param config the fields of its {@code config.json}; none where they are not known
 */
public record ConvertedNetwork(Network network, String folder, Map<?, ?> config) {}
