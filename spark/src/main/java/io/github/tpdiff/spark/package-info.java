/** The command's prepare, train, generate and evaluate on Apache Spark. */
@NullMarked
package io.github.tpdiff.spark;

import org.jspecify.annotations.NullMarked;
