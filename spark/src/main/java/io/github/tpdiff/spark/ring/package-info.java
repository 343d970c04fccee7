/** Ranks in a ring over TCP that sum arrays and tell each other bytes; knows nothing of Spark. */
@NullMarked
package io.github.tpdiff.spark.ring;

import org.jspecify.annotations.NullMarked;
