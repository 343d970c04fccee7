package io.github.tpdiff.spark.ring;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** How long a sum of two ranks takes on this machine's loopback, and sockets for the same bytes. */
final class RingBench {
  private static final int VALUES = 44_000_000;
  private static final int TRIES = 5;

  private RingBench() {}

  public static void main(String[] arguments) throws Exception {
    ExecutorService threads = Executors.newCachedThreadPool();
    try {
      for (int i = 0; i < TRIES; i++) {
        print("sockets, both ways", sockets(threads, 4L * VALUES));
        print("ring, fp32", ring(threads, Wire.FP32));
        print("ring, bf16", ring(threads, Wire.BF16));
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static void print(String what, double seconds) {
    System.out.printf(Locale.ROOT, "%s: %.3f s%n", what, seconds);
  }

  private static double timed(ExecutorService threads, List<Callable<Long>> works)
      throws Exception {
    long last = Long.MIN_VALUE;
    for (Future<Long> each : threads.invokeAll(works)) {
      last = Math.max(last, each.get());
    }
    return last * 1e-9;
  }

  /** As many bytes as each rank sends in a sum of two. */
  private static double sockets(ExecutorService threads, long bytes) throws Exception {
    try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        var one = new Socket(server.getInetAddress(), server.getLocalPort());
        var two = server.accept()) {
      return timed(
          threads,
          List.of(
              () -> write(one, bytes),
              () -> read(one, bytes),
              () -> write(two, bytes),
              () -> read(two, bytes)));
    }
  }

  private static long write(Socket socket, long bytes) throws IOException {
    long began = System.nanoTime();
    var slice = new byte[1 << 17];
    OutputStream out = socket.getOutputStream();
    for (long done = 0; done < bytes; done += slice.length) {
      out.write(slice, 0, (int) Math.min(slice.length, bytes - done));
    }
    return System.nanoTime() - began;
  }

  private static long read(Socket socket, long bytes) throws IOException {
    long began = System.nanoTime();
    var slice = new byte[1 << 17];
    InputStream in = socket.getInputStream();
    for (long done = 0; done < bytes; ) {
      done += in.read(slice);
    }
    return System.nanoTime() - began;
  }

  private static double ring(ExecutorService threads, Wire wire) throws Exception {
    List<RingPort> ports = List.of(RingPort.open(), RingPort.open());
    var works = new ArrayList<Callable<Long>>();
    for (int i = 0; i < 2; i++) {
      int rank = i;
      works.add(
          () -> {
            var values = new float[VALUES];
            var member =
                new Member(
                    rank,
                    ports.stream()
                        .map(
                            port ->
                                new InetSocketAddress(
                                    InetAddress.getLoopbackAddress(), port.number()))
                        .toList(),
                    "a secret of many characters",
                    "bench");
            try (Ring ring =
                Ring.join(ports.get(rank), member, wire, Duration.ofSeconds(10), () -> false)) {
              ring.gather(new byte[0]);
              long began = System.nanoTime();
              ring.sum(values);
              return System.nanoTime() - began;
            }
          });
    }
    double seconds = timed(threads, works);
    ports.forEach(RingPort::close);
    return seconds;
  }
}
