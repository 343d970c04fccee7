/** Prompts: cleaning as the checkpoints' own pipelines do it, and tokenizers. */
@NullMarked
package io.github.tpdiff.runtime.text;

import org.jspecify.annotations.NullMarked;
