/** Runs golden cases, each a folder of inputs and of what upstream made of them. */
@NullMarked
package io.github.tpdiff.conformance;

import org.jspecify.annotations.NullMarked;
