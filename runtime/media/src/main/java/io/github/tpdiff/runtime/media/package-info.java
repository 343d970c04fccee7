/** Video and picture files in and out. */
@NullMarked
package io.github.tpdiff.runtime.media;

import org.jspecify.annotations.NullMarked;
