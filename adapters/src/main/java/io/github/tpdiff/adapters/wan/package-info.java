/**
 * Wan 2.1 and 2.2: the video transformers, their causal autoencoders, the UMT5 text encoder and
 * CLIP's image encoder as programs over checkpoints in diffusers' or the authors' layout.
 */
@NullMarked
package io.github.tpdiff.adapters.wan;

import org.jspecify.annotations.NullMarked;
