/** Model families. */
@NullMarked
package io.github.tpdiff.adapters;

import org.jspecify.annotations.NullMarked;
