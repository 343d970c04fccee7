package io.github.tpdiff.spark.ring;

import io.github.tpdiff.spark.ring.Frame.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/**
 * Ranks in a ring: each sends to its right neighbour and receives from its left. All ranks call the
 * same methods in the same order; each waits for the others. For one thread.
 *
 * <p>A sum goes around twice (Patarasu and Yuan 2009, bandwidth optimal all-reduce): every rank
 * sends 2 (N - 1) / N of the bytes, whatever N is. Each part is added up in the order of the ring,
 * beginning with the rank of its number, and then copied: all ranks have the same bits, and always
 * the same. Two ranks have those of {@code a + b}.
 */
public final class Ring implements AutoCloseable {
  /** Values that are turned into bytes together. */
  private static final int SLICE = 1 << 15;

  private static final int MOST_TOLD = 1 << 26;
  private static final int FILE_SLICE = 1 << 17;

  /** How long others are waited for at the end of a run that failed. */
  private static final Duration PARTING = Duration.ofSeconds(10);

  private final Member member;
  private final Wire wire;
  private final List<Link> links = new ArrayList<>();
  private final ExecutorService sending;
  private final BooleanSupplier unwanted;

  private Ring(Member member, Wire wire, BooleanSupplier unwanted) {
    this.member = member;
    this.wire = wire;
    this.unwanted = unwanted;
    this.sending =
        Executors.newSingleThreadExecutor(
            task -> {
              var thread = new Thread(task, "ring-sender-" + member.rank());
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Joins, with every other rank.
   *
   * @param port where this rank listens, as the addresses say
   * @param wire in which numbers values travel, the same on all ranks
   * @param patience how long neighbours are waited for
   * @param unwanted whether the run has ended otherwise; asked while waiting for others
   * @throws RingException if a neighbour does not come
   */
  public static Ring join(
      RingPort port, Member member, Wire wire, Duration patience, BooleanSupplier unwanted) {
    var ring = new Ring(member, wire, unwanted);
    if (member.count() == 1) {
      return ring;
    }
    try {
      var handshake = new Handshake(member);
      Future<Socket> right = ring.sending.submit(() -> connect(member, handshake, patience));
      Socket left = port.accept(handshake, patience);
      ring.links.add(new Link(left, "rank " + member.left(), unwanted));
      ring.links.add(new Link(ring.await(right), "rank " + member.right(), unwanted));
      return ring;
    } catch (IOException failure) {
      ring.close();
      throw new RingException(
          "ring: rank %d: no connection from rank %d: %s"
              .formatted(member.rank(), member.left(), failure.getMessage()),
          failure);
    } catch (RingException failure) {
      ring.close();
      throw failure;
    }
  }

  private static Socket connect(Member member, Handshake handshake, Duration patience) {
    InetSocketAddress address = member.addresses().get(member.right());
    var socket = new Socket();
    try {
      int millis = (int) Math.min(patience.toMillis(), Integer.MAX_VALUE);
      socket.connect(
          address.isUnresolved()
              ? new InetSocketAddress(address.getHostString(), address.getPort())
              : address,
          millis);
      socket.setSoTimeout(millis);
      handshake.withRight(socket);
      return socket;
    } catch (IOException failure) {
      try {
        socket.close();
      } catch (IOException second) {
        failure.addSuppressed(second);
      }
      throw new RingException(
          "ring: rank %d: no connection to rank %d at %s: %s"
              .formatted(member.rank(), member.right(), address, failure.getMessage()),
          failure);
    }
  }

  public int rank() {
    return member.rank();
  }

  public int count() {
    return member.count();
  }

  private Link left() {
    return links.get(0);
  }

  private Link right() {
    return links.get(1);
  }

  /**
   * Replaces values by the sum over all ranks, which must have as many.
   *
   * @throws RingException if a neighbour is lost
   * @throws RingEndedException if another rank ends the run
   */
  public void sum(float[] values) {
    int count = member.count();
    if (count == 1) {
      return;
    }
    for (int step = 0; step < count - 1; step++) {
      exchange(values, member.rank() - step, member.rank() - step - 1, true);
    }
    int own = Math.floorMod(member.rank() + 1, count);
    for (int i = bound(values, own); i < bound(values, own + 1); i++) {
      values[i] = wire.rounded(values[i]);
    }
    for (int step = 0; step < count - 1; step++) {
      exchange(values, member.rank() + 1 - step, member.rank() - step, false);
    }
  }

  private int bound(float[] values, int part) {
    return (int) ((long) values.length * part / member.count());
  }

  /** Sends a part while another comes, which is added to what is here or put in its place. */
  private void exchange(float[] values, int sent, int received, boolean adds) {
    int out = Math.floorMod(sent, member.count());
    int in = Math.floorMod(received, member.count());
    Future<?> sender =
        sending.submit(() -> send(values, bound(values, out), bound(values, out + 1)));
    receive(values, bound(values, in), bound(values, in + 1), adds);
    await(sender);
  }

  private void send(float[] values, int from, int to) {
    right().begin(Kind.VALUES, (long) (to - from) * wire.bytes());
    ByteBuffer slice = ByteBuffer.allocate(SLICE * wire.bytes());
    for (int i = from; i < to; i += SLICE) {
      slice.clear();
      for (int k = i; k < Math.min(i + SLICE, to); k++) {
        wire.put(values[k], slice);
      }
      right().write(slice.array(), slice.position());
    }
  }

  private void receive(float[] values, int from, int to, boolean adds) {
    left().expectExactly(Kind.VALUES, (long) (to - from) * wire.bytes());
    ByteBuffer slice = ByteBuffer.allocate(SLICE * wire.bytes());
    for (int i = from; i < to; i += SLICE) {
      int last = Math.min(i + SLICE, to);
      left().read(slice.array(), (last - i) * wire.bytes());
      slice.clear();
      for (int k = i; k < last; k++) {
        float came = wire.get(slice);
        values[k] = adds ? came + values[k] : came;
      }
    }
  }

  /**
   * What each rank tells all, by rank.
   *
   * @param own what this one does, at most 64 MiB
   */
  public List<byte[]> gather(byte[] own) {
    var all = new ArrayList<>(Collections.nCopies(member.count(), own));
    for (int step = 0; step < member.count() - 1; step++) {
      byte[] out = all.get(Math.floorMod(member.rank() - step, member.count()));
      Future<?> sender =
          sending.submit(
              () -> {
                right().begin(Kind.BYTES, out.length);
                right().write(out, out.length);
              });
      all.set(
          Math.floorMod(member.rank() - step - 1, member.count()),
          left().bytes(left().expect(Kind.BYTES, MOST_TOLD), MOST_TOLD));
      await(sender);
    }
    return all;
  }

  /**
   * Copies a file of rank 0 to all others.
   *
   * @param file there, and where it goes here
   * @param most bytes that are taken
   */
  public void copy(Path file, long most) {
    try {
      if (member.count() == 1) {
        return;
      }
      if (member.rank() == 0) {
        try (InputStream in = Files.newInputStream(file)) {
          pass(in, Files.size(file), OutputStream.nullOutputStream());
        }
        return;
      }
      long length = left().expect(Kind.FILE, most);
      try (OutputStream out = Files.newOutputStream(file)) {
        if (member.right() == 0) {
          take(length, out);
        } else {
          pass(new Incoming(), length, out);
        }
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private void pass(InputStream in, long length, OutputStream kept) throws IOException {
    var slice = new byte[FILE_SLICE];
    right().begin(Kind.FILE, length);
    for (long done = 0; done < length; ) {
      int count = in.readNBytes(slice, 0, (int) Math.min(slice.length, length - done));
      if (count == 0) {
        throw new IOException("a file became shorter while it was sent");
      }
      kept.write(slice, 0, count);
      right().write(slice, count);
      done += count;
    }
  }

  private void take(long length, OutputStream out) throws IOException {
    var slice = new byte[FILE_SLICE];
    for (long done = 0; done < length; ) {
      int count = (int) Math.min(slice.length, length - done);
      left().read(slice, count);
      out.write(slice, 0, count);
      done += count;
    }
  }

  /** The bytes of a message as they come. */
  private final class Incoming extends InputStream {
    @Override
    public int read() {
      var one = new byte[1];
      left().read(one, 1);
      return Byte.toUnsignedInt(one[0]);
    }

    @Override
    public int read(byte[] into, int from, int count) {
      var bytes = new byte[count];
      left().read(bytes, count);
      System.arraycopy(bytes, 0, into, from, count);
      return count;
    }
  }

  private <T> T await(Future<T> sent) {
    while (true) {
      try {
        return sent.get(Link.LOOK_MILLIS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException slow) {
        if (unwanted.getAsBoolean()) {
          throw new RingException("ring: the run has ended elsewhere", slow);
        }
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        throw new RingException("ring: interrupted", interrupted);
      } catch (ExecutionException failure) {
        if (failure.getCause() instanceof RingException lost) {
          throw lost;
        }
        throw new RingException("ring: nothing can be sent", failure);
      }
    }
  }

  /**
   * Ends the run for all ranks: each finds the reason in what it waits for, and passes it on by the
   * same call. Leaves once they have heard it.
   */
  public void end(String reason) {
    if (links.size() == 2) {
      Future<?> told = sending.submit(() -> right().end(reason));
      left().drain(PARTING);
      try {
        told.get(PARTING.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException | ExecutionException late) {
        // It finds out by itself.
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
      }
    }
    close();
  }

  /** Leaves: neighbours that still need this rank find it gone. */
  @Override
  public void close() {
    links.forEach(Link::close);
    sending.shutdownNow();
  }
}
