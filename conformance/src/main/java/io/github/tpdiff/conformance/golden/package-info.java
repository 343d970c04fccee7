/** Golden cases: their description, their tensors, and how results are compared with them. */
@NullMarked
package io.github.tpdiff.conformance.golden;

import org.jspecify.annotations.NullMarked;
