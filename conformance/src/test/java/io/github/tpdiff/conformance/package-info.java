@NullMarked
package io.github.tpdiff.conformance;

import org.jspecify.annotations.NullMarked;
