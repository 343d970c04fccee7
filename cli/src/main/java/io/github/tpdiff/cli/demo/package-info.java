/** The whole journey on a tiny checkpoint: clips, training, export, inference, a report. */
@NullMarked
package io.github.tpdiff.cli.demo;

import org.jspecify.annotations.NullMarked;
