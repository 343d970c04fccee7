/** The tpdiff command. */
@NullMarked
package io.github.tpdiff.cli;

import org.jspecify.annotations.NullMarked;
