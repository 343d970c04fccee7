/** The safetensors format: single files and shards, read without copying, written in pieces. */
@NullMarked
package io.github.tpdiff.weights.safetensors;

import org.jspecify.annotations.NullMarked;
