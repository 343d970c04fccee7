/** Cases of checkpoint files that must be read, or refused. */
@NullMarked
package io.github.tpdiff.conformance.files;

import org.jspecify.annotations.NullMarked;
