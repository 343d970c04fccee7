@NullMarked
package io.github.tpdiff.conformance.bench;

import org.jspecify.annotations.NullMarked;
