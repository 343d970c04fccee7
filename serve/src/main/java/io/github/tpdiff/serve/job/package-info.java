/** Jobs, the database that keeps them, and the folder of their results. */
@NullMarked
package io.github.tpdiff.serve.job;

import org.jspecify.annotations.NullMarked;
