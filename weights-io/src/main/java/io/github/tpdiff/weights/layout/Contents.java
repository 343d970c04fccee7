package io.github.tpdiff.weights.layout;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the names in a checkpoint say that it holds.
 *
 * @param leftOver names that no network explains
 */
public record Contents(List<FoundNetwork> networks, List<String> leftOver) {

  public Contents {
    networks = List.copyOf(networks);
    leftOver = List.copyOf(leftOver);
  }

  /** Finds the networks, each in whichever layout, the one that explains most names first. */
  public static Contents of(Collection<String> names) {
    Set<String> rest = new LinkedHashSet<>(names);
    List<FoundNetwork> found = new ArrayList<>();
    Optional<FoundNetwork> next = largest(rest);
    while (next.isPresent()) {
      found.add(next.get());
      rest.removeAll(next.get().names());
      next = largest(rest);
    }
    return new Contents(found, List.copyOf(rest));
  }

  private static Optional<FoundNetwork> largest(Set<String> names) {
    FoundNetwork largest = null;
    for (Network network : Network.values()) {
      Optional<FoundNetwork> found = FoundNetwork.find(network, names);
      if (found.isPresent()
          && (largest == null || found.get().names().size() > largest.names().size())) {
        largest = found.get();
      }
    }
    return Optional.ofNullable(largest);
  }

  /** The network, if it is here. */
  public Optional<FoundNetwork> find(Network network) {
    return networks.stream().filter(found -> found.network() == network).findFirst();
  }

  /** The networks or, when there are none, some of the names. */
  String describe(Collection<String> names) {
    return networks.isEmpty()
        ? names.stream().limit(3).toList().toString()
        : networks.stream().map(found -> found.network().label()).collect(Collectors.joining(", "));
  }
}
