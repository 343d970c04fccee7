/**
 * Wan 2.1: the video transformer, its causal autoencoder and its UMT5 text encoder as programs over
 * checkpoints in diffusers' or the authors' layout.
 */
@NullMarked
package io.github.tpdiff.adapters.wan;

import org.jspecify.annotations.NullMarked;
