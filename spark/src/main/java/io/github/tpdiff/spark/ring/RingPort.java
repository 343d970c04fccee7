package io.github.tpdiff.spark.ring;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;

/** Where a rank waits for its left neighbour; others learn the port before anybody connects. */
public final class RingPort implements AutoCloseable {
  /** A stranger that says nothing is heard for so long. */
  private static final int HEARD_MILLIS = 5000;

  private final ServerSocket server;

  private RingPort(ServerSocket server) {
    this.server = server;
  }

  /**
   * Begins to listen on a free port of all of this machine's addresses.
   *
   * @throws UncheckedIOException if there is none
   */
  public static RingPort open() {
    try {
      var server = new ServerSocket();
      server.bind(new InetSocketAddress(0));
      return new RingPort(server);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  public int number() {
    return server.getLocalPort();
  }

  /** The left neighbour, once it has proved itself; whoever does not is shown the door. */
  Socket accept(Handshake handshake, Duration patience) throws IOException {
    long until = System.nanoTime() + patience.toNanos();
    while (true) {
      long left = (until - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        throw new SocketTimeoutException("nobody with the run's secret came in " + patience);
      }
      server.setSoTimeout((int) Math.min(left, Integer.MAX_VALUE));
      Socket socket = server.accept();
      try {
        socket.setSoTimeout(HEARD_MILLIS);
        handshake.withLeft(socket);
        return socket;
      } catch (IOException stranger) {
        socket.close();
      }
    }
  }

  @Override
  public void close() {
    try {
      server.close();
    } catch (IOException ignored) {
      // Nobody connects any more.
    }
  }
}
