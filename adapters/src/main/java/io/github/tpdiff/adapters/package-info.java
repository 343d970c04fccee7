/** Model families, and what they have in common: reading configurations, layers over weights. */
@NullMarked
package io.github.tpdiff.adapters;

import org.jspecify.annotations.NullMarked;
