/**
 * Low-rank changes to networks: put into programs to be trained or run beside the weights ({@link
 * io.github.tpdiff.lora.LoraInjection}), applied to or merged into opened checkpoints ({@link
 * io.github.tpdiff.lora.LoraModels}), and found again in the difference of two ({@link
 * io.github.tpdiff.lora.LoraExtraction}).
 */
@NullMarked
package io.github.tpdiff.lora;

import org.jspecify.annotations.NullMarked;
