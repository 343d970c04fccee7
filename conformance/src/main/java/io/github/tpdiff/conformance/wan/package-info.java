/** Cases of Wan's components and of its whole pipeline. */
@NullMarked
package io.github.tpdiff.conformance.wan;

import org.jspecify.annotations.NullMarked;
