/** Cases of models' components and of whole pipelines, of any family. */
@NullMarked
package io.github.tpdiff.conformance.model;

import org.jspecify.annotations.NullMarked;
