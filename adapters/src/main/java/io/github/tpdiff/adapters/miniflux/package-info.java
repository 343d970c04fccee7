/** Pyramid-Flow's miniFLUX: its video transformer, causal video autoencoder and text encoders. */
@NullMarked
package io.github.tpdiff.adapters.miniflux;

import org.jspecify.annotations.NullMarked;
