/** What every request and reply goes through: limits, guards, errors, JSON. */
@NullMarked
package io.github.tpdiff.serve.http;

import org.jspecify.annotations.NullMarked;
