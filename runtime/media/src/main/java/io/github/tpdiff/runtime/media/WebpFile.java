package io.github.tpdiff.runtime.media;

import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** A webp, of an animated one the first frame. Source: WebP Container Specification. */
final class WebpFile implements PictureReader.StoredPicture {
  static final String KIND = "webp";
  private static final int HEADER_BYTES = 12;
  private static final int CHUNK_BYTES = 8;

  /** Of an animation's frame, before the chunks of its picture. */
  private static final int FRAME_BYTES = 16;

  private static final int SIDE_BITS = 0x3fff;

  private final ByteBuffer file;
  private Orientation orientation = Orientation.AS_STORED;
  private Optional<PictureSize> canvas = Optional.empty();

  /** The chunk of the coded picture, and where that lies on the canvas. */
  private Optional<ByteBuffer> picture = Optional.empty();

  /** Whether an animation's first frame has begun: others are passed over, also within it. */
  private boolean frameSeen;

  private int left;
  private int top;

  WebpFile(ByteBuffer file) {
    this.file = file.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  static boolean recognises(ByteBuffer file) {
    return PictureReader.text(file, 0, 4).equals("RIFF")
        && PictureReader.text(file, 8, 4).equals("WEBP");
  }

  @Override
  public RgbPicture read() throws PictureException {
    ByteBuffer chunk = chunk();
    PictureSize size = codedSize(chunk);
    return orientation.apply(onCanvas(WebpDecoder.decode(riff(chunk), size)));
  }

  @Override
  public PictureSize size() throws PictureException {
    PictureSize coded = codedSize(chunk());
    return orientation.apply(canvas.orElse(coded));
  }

  /** The chunk of the coded picture. */
  private ByteBuffer chunk() throws PictureException {
    long end = CHUNK_BYTES + Integer.toUnsignedLong(file.getInt(4));
    if (end < HEADER_BYTES || end > file.limit()) {
      throw PictureException.damaged(KIND, "%d of %d bytes".formatted(file.limit(), end));
    }
    readChunks(HEADER_BYTES, (int) end);
    return picture.orElseThrow(() -> PictureException.damaged(KIND, "no picture"));
  }

  private void readChunks(int start, int end) throws PictureException {
    int at = start;
    while (at <= end - CHUNK_BYTES) {
      long length = Integer.toUnsignedLong(file.getInt(at + 4));
      if (length > end - at - CHUNK_BYTES) {
        throw PictureException.damaged(KIND, "a part that goes past the end at byte " + at);
      }
      readChunk(at, at + CHUNK_BYTES + (int) length);
      at += CHUNK_BYTES + (int) (length + length % 2);
    }
  }

  private void readChunk(int at, int end) throws PictureException {
    int data = at + CHUNK_BYTES;
    switch (PictureReader.text(file, at, 4)) {
      case "VP8X" -> {
        requireBytes(end - data, 10);
        canvas = Optional.of(PictureReader.size(1L + int24(data + 4), 1L + int24(data + 7)));
      }
      case "VP8 ", "VP8L" -> {
        if (picture.isEmpty()) {
          picture = Optional.of(file.slice(at, end - at).order(ByteOrder.LITTLE_ENDIAN));
        }
      }
      case "ANMF" -> {
        requireBytes(end - data, FRAME_BYTES);
        if (!frameSeen) {
          frameSeen = true;
          left = 2 * int24(data);
          top = 2 * int24(data + 3);
          readChunks(data + FRAME_BYTES, end);
        }
      }
      case "EXIF" -> {
        int skipped = PictureReader.text(file, data, 6).equals("Exif\0\0") ? 6 : 0;
        orientation = ExifOrientation.of(file.duplicate().limit(end).position(data + skipped));
      }
      default -> {
        // Transparency, profiles and what else does not change the picture.
      }
    }
  }

  private static void requireBytes(int found, int expected) throws PictureException {
    if (found < expected) {
      throw PictureException.damaged(KIND, "a part of %d bytes".formatted(found));
    }
  }

  private int int24(int at) {
    return Short.toUnsignedInt(file.getShort(at)) | ((file.get(at + 2) & 0xff) << 16);
  }

  /** The size that the coded picture itself has. Source: RFC 6386, 9.1, and RFC 9649, 3.4. */
  private static PictureSize codedSize(ByteBuffer chunk) throws PictureException {
    if (PictureReader.text(chunk, 3, 1).equals("L")) {
      requireBytes(chunk.limit(), CHUNK_BYTES + 5);
      int bits = chunk.getInt(CHUNK_BYTES + 1);
      return PictureReader.size(1 + (bits & SIDE_BITS), 1 + ((bits >> 14) & SIDE_BITS));
    }
    requireBytes(chunk.limit(), CHUNK_BYTES + 10);
    return PictureReader.size(
        chunk.getShort(CHUNK_BYTES + 6) & SIDE_BITS, chunk.getShort(CHUNK_BYTES + 8) & SIDE_BITS);
  }

  /** A file of one chunk. */
  private static byte[] riff(ByteBuffer chunk) {
    int padded = chunk.limit() + chunk.limit() % 2;
    var riff = ByteBuffer.allocate(HEADER_BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
    riff.put("RIFF".getBytes(StandardCharsets.US_ASCII));
    riff.putInt(4 + padded);
    riff.put("WEBP".getBytes(StandardCharsets.US_ASCII));
    riff.put(chunk.duplicate());
    return riff.array();
  }

  private RgbPicture onCanvas(RgbPicture frame) throws PictureException {
    PictureSize size = canvas.orElse(frame.size());
    if (size.equals(frame.size())) {
      return frame;
    }
    if (left > size.width() - frame.width() || top > size.height() - frame.height()) {
      throw PictureException.damaged(
          KIND,
          "a frame of %s at column %d, row %d of a picture of %s"
              .formatted(frame.size(), left, top, size));
    }
    var rgb = new byte[RgbPicture.CHANNELS * size.pixels()];
    int row = RgbPicture.CHANNELS * frame.width();
    for (int y = 0; y < frame.height(); y++) {
      int to = RgbPicture.CHANNELS * ((top + y) * size.width() + left);
      System.arraycopy(frame.rgb(), y * row, rgb, to, row);
    }
    return new RgbPicture(rgb, size);
  }
}
