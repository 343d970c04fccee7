package io.github.tpdiff.spark.ring;

import com.google.common.hash.HashFunction;
import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;

/**
 * How both ends of a connection prove to each other that they have the run's secret, without saying
 * it: each answers the other's random challenge with its HMAC-SHA256. What follows is neither
 * encrypted nor signed.
 *
 * @param member this rank
 */
record Handshake(Member member) {
  private static final int CHALLENGE = 32;
  private static final SecureRandom RANDOM = new SecureRandom();

  /** As the one that connects: to the right neighbour. */
  void withRight(Socket socket) throws IOException {
    var in = new DataInputStream(socket.getInputStream());
    var out = new DataOutputStream(socket.getOutputStream());
    byte[] theirs = in.readNBytes(CHALLENGE);
    byte[] own = challenge();
    String context = member.context(member.rank());
    out.write(own);
    out.write(proof("connects", theirs, own, context));
    out.flush();
    require(in, proof("accepts", own, theirs, context));
  }

  /** As the one that is connected to: by the left neighbour. */
  void withLeft(Socket socket) throws IOException {
    var in = new DataInputStream(socket.getInputStream());
    var out = new DataOutputStream(socket.getOutputStream());
    byte[] own = challenge();
    out.write(own);
    out.flush();
    byte[] theirs = in.readNBytes(CHALLENGE);
    String context = member.context(member.left());
    require(in, proof("connects", own, theirs, context));
    out.write(proof("accepts", theirs, own, context));
    out.flush();
  }

  private static byte[] challenge() {
    var bytes = new byte[CHALLENGE];
    RANDOM.nextBytes(bytes);
    return bytes;
  }

  private byte[] proof(String role, byte[] challenge, byte[] answer, String context) {
    HashFunction mac = Hashing.hmacSha256(member.secret().getBytes(StandardCharsets.UTF_8));
    Hasher hasher = mac.newHasher().putString(role, StandardCharsets.UTF_8);
    return hasher
        .putInt(challenge.length)
        .putBytes(challenge)
        .putInt(answer.length)
        .putBytes(answer)
        .putString(context, StandardCharsets.UTF_8)
        .hash()
        .asBytes();
  }

  private static void require(DataInputStream in, byte[] expected) throws IOException {
    if (!MessageDigest.isEqual(expected, in.readNBytes(expected.length))) {
      throw new IOException("a stranger: it does not have the run's secret");
    }
  }
}
