package io.github.tpdiff.runtime.cost;

/**
 * The price of the forward and backward passes of one batch.
 *
 * @param work of both
 * @param activationBytes at most held at once: values between segments, what is kept of products,
 *     and what the passes need on the way
 * @param offloadedBytes the same where values between segments wait for the backward pass elsewhere
 * @param weightBytes of all weights as they are held
 * @param tokens of the longest sequence that attention sees, 0 without attention
 */
public record TrainingCost(
    Work work, long activationBytes, long offloadedBytes, long weightBytes, long tokens) {}
