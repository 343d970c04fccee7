package io.github.tpdiff.spark.ring;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class RingTest {
  private static final String SECRET = "a secret of many characters";
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir private Path folder;
  private final ExecutorService threads = Executors.newCachedThreadPool();

  @AfterEach
  void stop() {
    threads.shutdownNow();
  }

  /** What a rank does in a ring. */
  private interface Work<T> {
    T in(Ring ring) throws Exception;
  }

  private static List<RingPort> ports(int count) {
    var ports = new ArrayList<RingPort>();
    for (int i = 0; i < count; i++) {
      ports.add(RingPort.open());
    }
    return ports;
  }

  private static Member member(int rank, List<RingPort> ports) {
    return new Member(rank, ports.stream().map(RingTest::address).toList(), SECRET, "a test");
  }

  private static InetSocketAddress address(RingPort port) {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), port.number());
  }

  private <T> List<Future<T>> start(int count, Wire wire, Work<T> work) {
    List<RingPort> ports = ports(count);
    var results = new ArrayList<Future<T>>();
    for (int i = 0; i < count; i++) {
      int rank = i;
      results.add(
          threads.submit(
              () -> {
                try (RingPort port = ports.get(rank);
                    Ring ring = Ring.join(port, member(rank, ports), wire, PATIENCE, () -> false)) {
                  return work.in(ring);
                }
              }));
    }
    return results;
  }

  private <T> List<T> run(int count, Wire wire, Work<T> work) throws Exception {
    var results = new ArrayList<T>();
    for (Future<T> each : start(count, wire, work)) {
      results.add(each.get());
    }
    return results;
  }

  private static String failure(Future<?> rank) {
    try {
      return "none, but " + rank.get();
    } catch (Exception failure) {
      return String.valueOf(failure.getMessage());
    }
  }

  private static float[] values(int rank, int count) {
    var random = new Random(rank);
    var values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static double[] plainSum(int ranks, int count) {
    var sum = new double[count];
    for (int rank = 0; rank < ranks; rank++) {
      float[] own = values(rank, count);
      for (int i = 0; i < count; i++) {
        sum[i] += own[i];
      }
    }
    return sum;
  }

  /** Lengths below, at and beside the number of ranks, and above a slice. */
  @ParameterizedTest
  @CsvSource({
    "1, 7",
    "2, 0",
    "2, 1",
    "2, 100003",
    "3, 2",
    "3, 3",
    "3, 200000",
    "5, 4",
    "5, 17",
    "5, 400001"
  })
  void sum_isThatOfAllRanks_inTheSameBits(int ranks, int count) throws Exception {
    List<float[]> sums =
        run(
            ranks,
            Wire.FP32,
            ring -> {
              float[] values = values(ring.rank(), count);
              ring.sum(values);
              return values;
            });
    double[] expected = plainSum(ranks, count);
    for (float[] sum : sums) {
      assertThat(sum).isEqualTo(sums.get(0)).hasSize(count);
      for (int i = 0; i < count; i++) {
        // Four additions of numbers below 8, each rounded to 24 bits.
        assertThat((double) sum[i]).isCloseTo(expected[i], within(4e-6));
      }
    }
  }

  @Test
  void sumOfTwo_hasTheBitsOfAPlainAddition() throws Exception {
    List<float[]> sums =
        run(
            2,
            Wire.FP32,
            ring -> {
              float[] values = values(ring.rank(), 999);
              ring.sum(values);
              return values;
            });
    float[] first = values(0, 999);
    float[] second = values(1, 999);
    for (int i = 0; i < 999; i++) {
      assertThat(sums.get(0)[i]).isEqualTo(first[i] + second[i]);
    }
  }

  /** Each hop and the result round to 8 bits: N roundings of numbers below 16. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5})
  void sumInBf16_isNearAndTheSameOnAllRanks(int ranks) throws Exception {
    int count = 70_001;
    List<float[]> sums =
        run(
            ranks,
            Wire.BF16,
            ring -> {
              float[] values = values(ring.rank(), count);
              ring.sum(values);
              return values;
            });
    double[] expected = plainSum(ranks, count);
    for (float[] sum : sums) {
      assertThat(sum).isEqualTo(sums.get(0));
      for (int i = 0; i < count; i++) {
        assertThat((double) sum[i]).isCloseTo(expected[i], within(ranks * 16 / 512.0));
        assertThat(Float.floatToRawIntBits(sum[i]) & 0xFFFF).isZero();
      }
    }
  }

  /** Ties go to the even neighbour, as in torch. */
  @Test
  void bf16_roundsTiesToEven() {
    assertThat(Wire.BF16.rounded(Float.intBitsToFloat(0x3F808000)))
        .isEqualTo(Float.intBitsToFloat(0x3F800000));
    assertThat(Wire.BF16.rounded(Float.intBitsToFloat(0x3F818000)))
        .isEqualTo(Float.intBitsToFloat(0x3F820000));
    assertThat(Wire.BF16.rounded(Float.intBitsToFloat(0x3F808001)))
        .isEqualTo(Float.intBitsToFloat(0x3F810000));
    assertThat(Wire.BF16.rounded(Float.intBitsToFloat(0x7F800001))).isNaN();
    assertThat(Wire.BF16.rounded(Float.NEGATIVE_INFINITY)).isEqualTo(Float.NEGATIVE_INFINITY);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5})
  void whatRanksTell_isKnownToAllByRank(int ranks) throws Exception {
    List<List<byte[]>> told =
        run(
            ranks,
            Wire.FP32,
            ring -> ring.gather(("r" + ring.rank()).repeat(ring.rank()).getBytes(UTF_8)));
    for (List<byte[]> all : told) {
      for (int i = 0; i < ranks; i++) {
        assertThat(all.get(i)).isEqualTo(("r" + i).repeat(i).getBytes(UTF_8));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void aFileOfTheFirst_comesToAll(int ranks) throws Exception {
    var bytes = new byte[300_001];
    new Random(4).nextBytes(bytes);
    Files.write(folder.resolve("0"), bytes);
    run(
        ranks,
        Wire.FP32,
        ring -> {
          ring.copy(folder.resolve("" + ring.rank()), 1 << 20);
          return 0;
        });
    for (int i = 1; i < ranks; i++) {
      assertThat(folder.resolve("" + i)).hasBinaryContent(bytes);
    }
  }

  @Test
  void aFileAboveTheLimit_isRefused() throws Exception {
    Files.write(folder.resolve("0"), new byte[1000]);
    List<Future<Integer>> ranks =
        start(
            2,
            Wire.FP32,
            ring -> {
              ring.copy(folder.resolve("" + ring.rank()), 999);
              return 0;
            });
    assertThatThrownBy(ranks.get(1)::get)
        .hasMessageContaining("expected at most 999 bytes of rank 0, found 1000");
  }

  @Test
  void aRankThatGoes_isNoticedByAll() {
    List<Future<Integer>> ranks =
        start(
            3,
            Wire.FP32,
            ring -> {
              if (ring.rank() != 1) {
                ring.sum(new float[100]);
              }
              return 0;
            });
    for (int rank : List.of(0, 2)) {
      assertThatThrownBy(ranks.get(rank)::get).hasCauseInstanceOf(RingException.class);
    }
  }

  @Test
  void aRankThatEndsTheRun_tellsAllWhy() {
    List<Future<Integer>> ranks =
        start(
            3,
            Wire.FP32,
            ring -> {
              if (ring.rank() == 1) {
                ring.end("the disk is full");
                return 0;
              }
              try {
                ring.sum(new float[100]);
              } catch (RingEndedException told) {
                ring.end(String.valueOf(told.getMessage()));
                throw told;
              }
              return 0;
            });
    assertThatThrownBy(ranks.get(2)::get)
        .hasCauseInstanceOf(RingEndedException.class)
        .hasMessageContaining("the disk is full");
    assertThatThrownBy(ranks.get(0)::get).hasMessageContaining("the disk is full");
  }

  @Test
  void sumsOfDifferentLengths_areRefused() {
    List<Future<Integer>> ranks =
        start(
            2,
            Wire.FP32,
            ring -> {
              ring.sum(new float[10 + 2 * ring.rank()]);
              return 0;
            });
    // Whoever reads first says so, and the other finds it gone.
    assertThat(ranks.stream().map(RingTest::failure))
        .anyMatch(words -> words.matches(".*expected (at most 20|24) bytes of rank .*"));
  }

  /** One says nothing, one guesses, one was of an earlier attempt: the ring closes without them. */
  @Test
  void strangers_areKeptOut() throws Exception {
    List<RingPort> ports = ports(2);
    Future<Ring> first =
        threads.submit(
            () -> Ring.join(ports.get(0), member(0, ports), Wire.FP32, PATIENCE, () -> false));
    try (var guessing = new Socket(InetAddress.getLoopbackAddress(), ports.get(1).number())) {
      Future<Ring> second =
          threads.submit(
              () -> Ring.join(ports.get(1), member(1, ports), Wire.FP32, PATIENCE, () -> false));
      OutputStream out = guessing.getOutputStream();
      out.write(new byte[64]);
      InputStream in = guessing.getInputStream();
      assertThat(in.readNBytes(64)).as("a challenge, and no proof").hasSize(32);
      var earlier = new Member(0, member(0, ports).addresses(), SECRET, "another attempt");
      assertThat(first.get().count()).isEqualTo(second.get().count()).isEqualTo(2);
      Future<?> late =
          threads.submit(
              () -> {
                try (var own = RingPort.open()) {
                  return Ring.join(own, earlier, Wire.FP32, Duration.ofMillis(300), () -> false);
                }
              });
      assertThatThrownBy(late::get).hasCauseInstanceOf(RingException.class);
      first.get().close();
      second.get().close();
    }
  }

  /** Whoever has the secret but another attempt proves nothing. */
  @Test
  void aRankOfAnEarlierAttempt_isAStranger() throws Exception {
    List<RingPort> ports = ports(2);
    Future<Ring> first =
        threads.submit(
            () ->
                Ring.join(
                    ports.get(0),
                    new Member(0, member(0, ports).addresses(), SECRET, "attempt 0"),
                    Wire.FP32,
                    Duration.ofMillis(500),
                    () -> false));
    Future<Ring> second =
        threads.submit(
            () ->
                Ring.join(
                    ports.get(1),
                    new Member(1, member(1, ports).addresses(), SECRET, "attempt 1"),
                    Wire.FP32,
                    Duration.ofMillis(500),
                    () -> false));
    assertThatThrownBy(first::get).hasCauseInstanceOf(RingException.class);
    assertThatThrownBy(second::get).hasCauseInstanceOf(RingException.class);
  }

  @Test
  void aWaitThatNobodyWants_ends() {
    var unwanted = new AtomicBoolean();
    List<RingPort> ports = ports(2);
    Future<Integer> waiting =
        threads.submit(
            () -> {
              try (Ring ring =
                  Ring.join(ports.get(0), member(0, ports), Wire.FP32, PATIENCE, unwanted::get)) {
                ring.gather(new byte[1]);
                return 0;
              }
            });
    Future<Ring> silent =
        threads.submit(
            () -> Ring.join(ports.get(1), member(1, ports), Wire.FP32, PATIENCE, () -> false));
    unwanted.set(true);
    assertThatThrownBy(waiting::get).hasMessageContaining("the run has ended elsewhere");
    assertThat(silent).isNotCancelled();
  }

  @ParameterizedTest
  @CsvSource({
    "0, expected a message, found",
    "7, expected a message, found 54504452 of kind",
    "15, expected message 0, found",
    "16, expected message 0, found 0 of -"
  })
  void aDamagedHeader_isRefused(int at, String words) {
    byte[] header = new Frame(Frame.Kind.VALUES, 0, 12).bytes();
    header[at] |= (byte) 0x90;
    assertThatThrownBy(() -> Frame.parse(header, 0))
        .isInstanceOf(RingException.class)
        .hasMessageContaining(words);
  }
}
