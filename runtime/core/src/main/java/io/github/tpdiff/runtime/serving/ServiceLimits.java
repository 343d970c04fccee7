package io.github.tpdiff.runtime.serving;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.engine.HostMemory;

/**
 * What a service holds at most.
 *
 * @param queued generations that wait, beside those that run
 * @param warmBytes of weights that stay loaded on each device; what a generation uses is loaded all
 *     the same
 */
public record ServiceLimits(int queued, long warmBytes) {
  private static final int QUEUED = 16;

  /**
   * @throws IllegalArgumentException if one is negative
   */
  public ServiceLimits {
    checkArgument(queued >= 0, "queued: expected at least 0, found %s", queued);
    checkArgument(warmBytes >= 0, "warm bytes: expected at least 0, found %s", warmBytes);
  }

  /** 16 that wait, and half of the memory that the machine has to spare now. */
  public static ServiceLimits ofThisMachine() {
    return new ServiceLimits(QUEUED, HostMemory.availableBytes() / 2);
  }

  public ServiceLimits withQueued(int other) {
    return new ServiceLimits(other, warmBytes);
  }

  public ServiceLimits withWarmBytes(long other) {
    return new ServiceLimits(queued, other);
  }
}
