/** LoRA files of the tools around: read into one form, written in the form a tool expects. */
@NullMarked
package io.github.tpdiff.weights.lora;

import org.jspecify.annotations.NullMarked;
