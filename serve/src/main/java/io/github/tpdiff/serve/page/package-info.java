/** The page at {@code /}, and what it alone asks for: previews of latents, curves of trainings. */
@NullMarked
package io.github.tpdiff.serve.page;

import org.jspecify.annotations.NullMarked;
