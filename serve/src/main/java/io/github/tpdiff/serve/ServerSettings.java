package io.github.tpdiff.serve;

import static com.google.common.base.Preconditions.checkArgument;

import io.github.tpdiff.runtime.pipeline.LoraChoice;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What an operator says of a server, its models apart.
 *
 * @param place where it listens
 * @param results the folder of jobs and their files
 * @param access who may ask
 * @param loras by name
 * @param defaults of requests
 * @param limits on requests
 * @param times how long things are kept and waited for
 * @param warmBytes of weights that stay loaded; half of the machine's free memory unless it is said
 */
public record ServerSettings(
    Place place,
    Path results,
    Access access,
    Map<String, LoraChoice> loras,
    Defaults defaults,
    Limits limits,
    Times times,
    Optional<Long> warmBytes) {

  /** Where a server listens unless it is told otherwise. */
  public static final int PORT = 8420;

  public ServerSettings {
    loras = Map.copyOf(loras);
  }

  /**
   * Where a server listens.
   *
   * @param host a name or address of this machine
   * @param port 0 for any that is free
   */
  public record Place(String host, int port) {
    /**
     * @throws IllegalArgumentException if the port is none
     */
    public Place {
      checkArgument(port >= 0 && port <= 65535, "port: expected 0 to 65535, found %s", port);
    }
  }

  /**
   * Who may ask.
   *
   * @param keys one of which every request carries; none asks for none
   * @param hostNames besides addresses and {@code localhost} by which the server is called
   * @param origins other sites whose pages may ask, such as {@code https://app.example}
   */
  public record Access(List<String> keys, Set<String> hostNames, Set<String> origins) {
    public Access {
      keys = List.copyOf(keys);
      hostNames = Set.copyOf(hostNames);
      origins = Set.copyOf(origins);
    }

    /** Everybody who reaches the server. */
    public static Access open() {
      return new Access(List.of(), Set.of(), Set.of());
    }
  }

  /**
   * What stands for what clients leave open.
   *
   * @param all of every model
   * @param byModel before those of all
   */
  public record Defaults(VideoFields all, Map<String, VideoFields> byModel) {
    public Defaults {
      byModel = Map.copyOf(byModel);
    }

    /** Nothing: the models' own. */
    public static Defaults none() {
      return new Defaults(VideoFields.open(), Map.of());
    }
  }

  /**
   * How long things take at most.
   *
   * @param keep from a job's end to its deletion
   * @param grace for a running job when the server is stopped
   */
  public record Times(Duration keep, Duration grace) {
    /** A day, and half a minute. */
    public static Times usual() {
      return new Times(Duration.ofHours(24), Duration.ofSeconds(30));
    }

    /**
     * @throws IllegalArgumentException if one is negative
     */
    public Times {
      checkArgument(!keep.isNegative() && !keep.isZero(), "keep_hours: expected more than 0");
      checkArgument(!grace.isNegative(), "grace_seconds: expected at least 0");
    }
  }
}
