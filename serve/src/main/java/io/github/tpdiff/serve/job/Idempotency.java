package io.github.tpdiff.serve.job;

/**
 * What makes a repeated request the same request.
 *
 * @param key hash of the key that the client chose for it
 * @param body hash of the body that came with it
 */
public record Idempotency(String key, String body) {}
