package io.github.tpdiff.runtime.media;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The tag Orientation of Exif data, which is a TIFF of tags without a picture. Source: Exif 2.32,
 * 4.6.2 and 4.6.4.
 */
final class ExifOrientation {
  private static final int TAG = 0x0112;
  private static final int SHORT = 3;
  private static final int ENTRY_BYTES = 12;

  private ExifOrientation() {}

  /**
   * How a stored picture is to be shown. Data that cannot be followed says nothing, as to viewers.
   *
   * @param exif a TIFF, from its byte order on
   */
  static Orientation of(ByteBuffer exif) {
    ByteBuffer tiff = exif.slice();
    if (tiff.remaining() < 8) {
      return Orientation.AS_STORED;
    }
    tiff.order(tiff.getShort(0) == 0x4949 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    long directory = Integer.toUnsignedLong(tiff.getInt(4));
    if (directory > tiff.limit() - 2) {
      return Orientation.AS_STORED;
    }
    int at = (int) directory + 2;
    int entries = Short.toUnsignedInt(tiff.getShort(at - 2));
    for (int i = 0; i < entries && at <= tiff.limit() - ENTRY_BYTES; i++, at += ENTRY_BYTES) {
      if (Short.toUnsignedInt(tiff.getShort(at)) == TAG && tiff.getShort(at + 2) == SHORT) {
        return of(tiff.getShort(at + 8));
      }
    }
    return Orientation.AS_STORED;
  }

  private static Orientation of(int value) {
    return switch (value) {
      case 2 -> new Orientation(false, true, false);
      case 3 -> new Orientation(false, true, true);
      case 4 -> new Orientation(false, false, true);
      case 5 -> new Orientation(true, false, false);
      case 6 -> new Orientation(true, false, true);
      case 7 -> new Orientation(true, true, true);
      case 8 -> new Orientation(true, true, false);
      default -> Orientation.AS_STORED;
    };
  }
}
