package io.github.tpdiff.spark.ring;

import static com.google.common.base.Preconditions.checkArgument;

import java.net.InetSocketAddress;
import java.util.List;

/**
 * A rank of a ring.
 *
 * @param rank from 0
 * @param addresses where each rank listens
 * @param secret that all ranks have and nobody else, at least 16 characters
 * @param attempt which try of the run it is, so that ranks of an earlier one are strangers
 */
public record Member(int rank, List<InetSocketAddress> addresses, String secret, String attempt) {
  private static final int LEAST_SECRET = 16;

  /**
   * @throws IllegalArgumentException if there is no such rank, or the secret can be guessed
   */
  public Member {
    addresses = List.copyOf(addresses);
    checkArgument(
        rank >= 0 && rank < addresses.size(),
        "rank: expected one of %s, found %s",
        addresses.size(),
        rank);
    checkArgument(
        secret.length() >= LEAST_SECRET,
        "secret: expected at least %s characters, found %s",
        LEAST_SECRET,
        secret.length());
  }

  int count() {
    return addresses.size();
  }

  int left() {
    return (rank + count() - 1) % count();
  }

  int right() {
    return (rank + 1) % count();
  }

  /**
   * What a connection is about, of which both ends have to be sure.
   *
   * @param from the rank that connects
   */
  String context(int from) {
    return "%s of %s in %s".formatted(from, count(), attempt);
  }
}
