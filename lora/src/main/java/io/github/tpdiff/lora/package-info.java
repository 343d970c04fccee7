/** LoRA injection and phased training. */
@NullMarked
package io.github.tpdiff.lora;

import org.jspecify.annotations.NullMarked;
