package io.github.tpdiff.runtime.media;

import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.zip.CRC32;

/** A png; of an animated one the picture that plain viewers show. */
final class PngFile implements PictureReader.StoredPicture {
  private static final String KIND = "png";
  private static final long SIGNATURE = 0x89504e470d0a1a0aL;

  /** Of a chunk: its length, its name, and a checksum after its data. */
  private static final int CHUNK_BYTES = 12;

  private final ByteBuffer file;
  private Orientation orientation = Orientation.AS_STORED;

  PngFile(ByteBuffer file) {
    this.file = file;
  }

  static boolean recognises(ByteBuffer file) {
    return file.remaining() >= Long.BYTES && file.getLong(0) == SIGNATURE;
  }

  @Override
  public RgbPicture read() throws PictureException {
    PictureSize size = storedSize();
    try (var decoder = new JdkDecoder(KIND, file)) {
      BufferedImage image = decoder.decode(reader -> reader.read(0));
      return orientation.apply(rgb(image, size));
    }
  }

  @Override
  public PictureSize size() throws PictureException {
    PictureSize stored = storedSize();
    return orientation.apply(stored);
  }

  private PictureSize storedSize() throws PictureException {
    if (file.limit() < 24 || !PictureReader.text(file, 12, 4).equals("IHDR")) {
      throw PictureException.damaged(KIND, "no header");
    }
    PictureSize size =
        PictureReader.size(
            Integer.toUnsignedLong(file.getInt(16)), Integer.toUnsignedLong(file.getInt(20)));
    readChunks();
    return size;
  }

  /** Holds every chunk to its checksum: the JDK's reader does not. */
  private void readChunks() throws PictureException {
    int at = Long.BYTES;
    while (true) {
      long length = at > file.limit() - CHUNK_BYTES ? -1 : file.getInt(at);
      if (length < 0 || length > file.limit() - at - CHUNK_BYTES) {
        throw PictureException.damaged(
            KIND, String.format(Locale.ROOT, "no end within %d bytes", file.limit()));
      }
      String name = PictureReader.text(file, at + 4, 4);
      int end = at + 8 + (int) length;
      var checksum = new CRC32();
      checksum.update(file.duplicate().position(at + 4).limit(end));
      if ((int) checksum.getValue() != file.getInt(end)) {
        throw PictureException.damaged(KIND, "a wrong checksum at byte " + at);
      }
      if (name.equals("eXIf")) {
        orientation = ExifOrientation.of(file.duplicate().position(at + 8).limit(end));
      }
      if (name.equals("IEND")) {
        return;
      }
      at = end + 4;
    }
  }

  /** Samples as they are stored: the JDK would read grey ones as linear light. */
  private static RgbPicture rgb(BufferedImage image, PictureSize size) {
    var colours = image.getColorModel();
    var raster = image.getRaster();
    int bands = raster.getNumBands();
    int shift = Math.max(0, colours.getComponentSize(0) - 8);
    var row = new int[bands * size.width()];
    var rgb = new byte[RgbPicture.CHANNELS * size.pixels()];
    for (int y = 0, at = 0; y < size.height(); y++) {
      raster.getPixels(0, y, size.width(), 1, row);
      for (int x = 0; x < size.width(); x++) {
        for (int c = 0; c < RgbPicture.CHANNELS; c++) {
          int sample = row[bands * x + (bands < RgbPicture.CHANNELS ? 0 : c)];
          rgb[at++] =
              (byte)
                  (colours instanceof IndexColorModel palette
                      ? palette.getRGB(sample) >> (8 * (2 - c))
                      : sample >> shift);
        }
      }
    }
    return new RgbPicture(rgb, size);
  }
}
