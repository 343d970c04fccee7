package io.github.tpdiff.spark.ring;

import io.github.tpdiff.spark.ring.Frame.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import jdk.net.ExtendedSocketOptions;

/** One direction of a connection to a neighbour that has proved itself: messages by number. */
final class Link implements AutoCloseable {
  /** How often a wait looks whether anybody still wants what is waited for. */
  static final int LOOK_MILLIS = 500;

  private static final int LONGEST_REASON = 1 << 16;

  /** A machine without power is noticed after about 30 + 6 x 10 seconds of silence. */
  private static final int IDLE_SECONDS = 30;

  private static final int PROBE_SECONDS = 10;
  private static final int PROBES = 6;

  private final Socket socket;
  private final String neighbour;
  private final BooleanSupplier unwanted;
  private final InputStream in;
  private final OutputStream out;
  private long next;

  /**
   * @param neighbour what it is called in errors
   * @param unwanted whether the run has ended otherwise; asked while waiting
   */
  Link(Socket socket, String neighbour, BooleanSupplier unwanted) throws IOException {
    this.socket = socket;
    this.neighbour = neighbour;
    this.unwanted = unwanted;
    this.in = socket.getInputStream();
    this.out = socket.getOutputStream();
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(LOOK_MILLIS);
    socket.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
    if (socket.supportedOptions().contains(ExtendedSocketOptions.TCP_KEEPIDLE)) {
      socket.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, IDLE_SECONDS);
      socket.setOption(ExtendedSocketOptions.TCP_KEEPINTERVAL, PROBE_SECONDS);
      socket.setOption(ExtendedSocketOptions.TCP_KEEPCOUNT, PROBES);
    }
  }

  /** Begins a message, whose bytes are written next. */
  void begin(Kind kind, long length) {
    write(new Frame(kind, next++, length).bytes(), Frame.SIZE);
  }

  void write(byte[] bytes, int count) {
    try {
      out.write(bytes, 0, count);
    } catch (IOException lost) {
      throw lost(lost);
    }
  }

  /**
   * The length of the next message, whose bytes are read next.
   *
   * @param most bytes that it may have
   * @throws RingException if it is of another kind or longer
   * @throws RingEndedException if another rank ends the run
   */
  long expect(Kind kind, long most) {
    var header = new byte[Frame.SIZE];
    read(header, Frame.SIZE);
    Frame frame = Frame.parse(header, next++);
    if (frame.kind() == Kind.END) {
      throw new RingEndedException(
          new String(bytes(frame.length(), LONGEST_REASON), StandardCharsets.UTF_8));
    }
    if (frame.kind() != kind) {
      throw new RingException(
          "ring: expected %s of %s, found %s".formatted(kind, neighbour, frame.kind()));
    }
    requireAtMost(frame.length(), most);
    return frame.length();
  }

  /** The same of a message whose length is known. */
  void expectExactly(Kind kind, long length) {
    long found = expect(kind, length);
    if (found != length) {
      throw new RingException(
          "ring: expected %d bytes of %s, found %d".formatted(length, neighbour, found));
    }
  }

  private void requireAtMost(long length, long most) {
    if (length > most) {
      throw new RingException(
          "ring: expected at most %d bytes of %s, found %d".formatted(most, neighbour, length));
    }
  }

  byte[] bytes(long length, int most) {
    requireAtMost(length, most);
    var bytes = new byte[(int) length];
    read(bytes, bytes.length);
    return bytes;
  }

  void read(byte[] into, int count) {
    int done = 0;
    while (done < count) {
      try {
        int got = in.read(into, done, count - done);
        if (got < 0) {
          throw new RingException("ring: %s has gone".formatted(neighbour));
        }
        done += got;
      } catch (SocketTimeoutException silent) {
        if (unwanted.getAsBoolean()) {
          throw new RingException("ring: the run has ended elsewhere", silent);
        }
      } catch (IOException lost) {
        throw lost(lost);
      }
    }
  }

  private RingException lost(IOException cause) {
    String reason = cause instanceof SocketException ? cause.getMessage() : cause.toString();
    return new RingException("ring: %s is lost: %s".formatted(neighbour, reason), cause);
  }

  /** Says why the run ends, as the last word; a neighbour that is gone need not know. */
  void end(String reason) {
    byte[] words = reason.getBytes(StandardCharsets.UTF_8);
    int count = Math.min(words.length, LONGEST_REASON);
    try {
      begin(Kind.END, count);
      write(words, count);
      socket.shutdownOutput();
    } catch (IOException | RingException gone) {
      // It finds out by itself.
    }
  }

  /** Lets a neighbour say what it was about to, until it has had its last word or time is up. */
  void drain(Duration patience) {
    long until = System.nanoTime() + patience.toNanos();
    var ignored = new byte[1 << 16];
    while (System.nanoTime() < until) {
      try {
        if (in.read(ignored) < 0) {
          return;
        }
      } catch (SocketTimeoutException silent) {
        // It may be about to.
      } catch (IOException gone) {
        return;
      }
    }
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException ignored) {
      // Nothing is left to lose.
    }
  }
}
