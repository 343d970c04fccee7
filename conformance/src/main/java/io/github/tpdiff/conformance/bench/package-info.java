/**
 * Staged against vanilla sampling and engine against engine, measured in one run; checkpoint files
 * against a plain copy.
 */
@NullMarked
package io.github.tpdiff.conformance.bench;

import org.jspecify.annotations.NullMarked;
