/**
 * Videos as plain arrays, without files: frames are [3, H, W] and clips [1, 3, F, H, W], red first,
 * values in [-1, 1].
 */
@NullMarked
package io.github.tpdiff.runtime.video;

import org.jspecify.annotations.NullMarked;
