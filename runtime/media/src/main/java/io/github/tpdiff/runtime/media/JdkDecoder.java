package io.github.tpdiff.runtime.media;

import com.google.common.collect.Streams;
import java.io.IOException;
import java.nio.ByteBuffer;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStreamImpl;

/**
 * A decoder of the JDK: its png is exact, its jpg is libjpeg with the same transform and the same
 * upsampling of colours as Pillow's.
 */
final class JdkDecoder implements AutoCloseable {
  private final String kind;
  private final ImageReader reader;

  /**
   * Opens a file's bytes.
   *
   * @param kind the JDK's name of the format
   */
  JdkDecoder(String kind, ByteBuffer file) throws PictureException {
    this.kind = kind;
    // Plug-ins of an application's class path read other things out of the same file.
    this.reader =
        Streams.stream(ImageIO.getImageReadersByFormatName(kind))
            .filter(found -> found.getClass().getModule() == ImageIO.class.getModule())
            .findFirst()
            .orElseThrow(
                () -> new PictureException("this Java runtime has no decoder for " + kind));
    reader.setInput(new ByteStream(file), true, true);
  }

  /** What is read of a reader. */
  interface Reading<T> {
    T of(ImageReader reader) throws IOException;
  }

  /**
   * Decodes.
   *
   * @throws PictureException whatever goes wrong
   */
  <T> T decode(Reading<T> reading) throws PictureException {
    try {
      return reading.of(reader);
    } catch (IOException | RuntimeException failure) {
      // Damaged headers bring the JDK's readers to exceptions of every kind.
      var refused = PictureException.undecodable(kind, String.valueOf(failure.getMessage()));
      refused.initCause(failure);
      throw refused;
    }
  }

  @Override
  public void close() {
    reader.dispose();
  }

  /** Bytes in memory, without the copy that the JDK's own stream keeps. */
  private static final class ByteStream extends ImageInputStreamImpl {
    private final ByteBuffer bytes;

    ByteStream(ByteBuffer bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read() {
      bitOffset = 0;
      return streamPos >= bytes.limit() ? -1 : bytes.get((int) streamPos++) & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
      bitOffset = 0;
      if (streamPos >= bytes.limit()) {
        return -1;
      }
      int count = Math.min(length, bytes.limit() - (int) streamPos);
      bytes.get((int) streamPos, into, offset, count);
      streamPos += count;
      return count;
    }

    @Override
    public long length() {
      return bytes.limit();
    }
  }
}
