/** The page on which people see how a training goes, and what draws it. */
@NullMarked
package io.github.tpdiff.lora.report;

import org.jspecify.annotations.NullMarked;
