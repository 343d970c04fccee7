/**
 * Video generation over HTTP, in the shape of {@code /v1/videos}.
 *
 * <p>{@code serve.http} has what every reply and request goes through, {@code serve.job} the jobs
 * and what lies on the disk, {@code serve.page} the page; this package binds them together.
 */
@NullMarked
package io.github.tpdiff.serve;

import org.jspecify.annotations.NullMarked;
