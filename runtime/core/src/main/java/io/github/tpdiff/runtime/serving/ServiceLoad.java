package io.github.tpdiff.runtime.serving;

/**
 * What a service has to do, and holds.
 *
 * @param queued generations that wait
 * @param running generations that are made
 * @param warmBytes of weights that are loaded, on all devices
 */
public record ServiceLoad(int queued, int running, long warmBytes) {}
