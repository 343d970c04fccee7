/**
 * What an engine offers to those who run models: host tensors in, host tensors out. The engines
 * implement it, the pipeline and the trainer use it.
 */
@NullMarked
package io.github.tpdiff.runtime.engine;

import org.jspecify.annotations.NullMarked;
