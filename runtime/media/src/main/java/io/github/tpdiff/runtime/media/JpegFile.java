package io.github.tpdiff.runtime.media;

import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import java.awt.image.Raster;
import java.nio.ByteBuffer;
import java.util.Optional;

/** A jpg, grey, of three colours or of four. Source of its markers: ITU T.81 annex B, T.872. */
final class JpegFile implements PictureReader.StoredPicture {
  private static final String KIND = "jpg";
  private static final int START = 0xffd8;
  private static final int START_OF_SCAN = 0xda;
  private static final int END = 0xd9;
  private static final int RESTART = 0xd0;
  private static final int APP0 = 0xe0;
  private static final int APP1 = 0xe1;
  private static final int APP14 = 0xee;
  private static final String EXIF = "Exif\0\0";

  private final ByteBuffer file;
  private Orientation orientation = Orientation.AS_STORED;
  private Optional<PictureSize> size = Optional.empty();
  private String componentNames = "";
  private boolean isJfif;

  /** How Adobe says that colours are coded; -1 without its marker. */
  private int adobeTransform = -1;

  JpegFile(ByteBuffer file) {
    this.file = file;
  }

  static boolean recognises(ByteBuffer file) {
    return file.remaining() >= 3
        && Short.toUnsignedInt(file.getShort(0)) == START
        && (file.get(2) & 0xff) == 0xff;
  }

  @Override
  public RgbPicture read() throws PictureException {
    PictureSize stored = storedSize();
    try (var decoder = new JdkDecoder("jpeg", file)) {
      // As stored: how colours are coded is read off the markers, as libjpeg and Pillow do.
      Raster raster = decoder.decode(reader -> reader.readRaster(0, null));
      return orientation.apply(rgb(raster, stored));
    }
  }

  @Override
  public PictureSize size() throws PictureException {
    PictureSize stored = storedSize();
    return orientation.apply(stored);
  }

  private PictureSize storedSize() throws PictureException {
    readMarkers();
    return size.orElseThrow(() -> PictureException.damaged(KIND, "no header"));
  }

  /**
   * All markers up to the end's, without which the file is cut off: libjpeg would fill up the rest
   * with grey.
   */
  private void readMarkers() throws PictureException {
    int at = 2;
    while (at <= file.limit() - 2) {
      int marker = file.get(at + 1) & 0xff;
      if ((file.get(at) & 0xff) != 0xff) {
        throw PictureException.damaged(KIND, "no marker at byte " + at);
      }
      if (marker == END) {
        return;
      }
      if (marker == 0xff) {
        at++; // padding
        continue;
      }
      int length = at > file.limit() - 4 ? 0 : Short.toUnsignedInt(file.getShort(at + 2));
      if (length < 2 || length > file.limit() - at - 2) {
        break;
      }
      readSegment(marker, file.slice(at + 4, length - 2));
      at += 2 + length;
      if (marker == START_OF_SCAN) {
        at = endOfScan(at);
      }
    }
    throw PictureException.damaged(KIND, "no end within %d bytes".formatted(file.limit()));
  }

  /** The marker behind coded data, in which zeros follow bytes that look like one. */
  private int endOfScan(int start) {
    for (int at = start; at <= file.limit() - 2; at++) {
      int next = file.get(at + 1) & 0xff;
      boolean isMarker = next != 0 && next != 0xff && (next < RESTART || next > RESTART + 7);
      if ((file.get(at) & 0xff) == 0xff && isMarker) {
        return at;
      }
    }
    return file.limit();
  }

  private void readSegment(int marker, ByteBuffer segment) throws PictureException {
    // 0xc4, 0xc8 and 0xcc are tables and others.
    boolean isFrame = marker == 0xc0 || (marker > 0xc0 && marker <= 0xcf && marker % 4 != 0);
    if (isFrame) {
      readFrame(segment);
    } else if (marker == APP0 && PictureReader.text(segment, 0, 5).equals("JFIF\0")) {
      isJfif = true;
    } else if (marker == APP1 && PictureReader.text(segment, 0, EXIF.length()).equals(EXIF)) {
      orientation = ExifOrientation.of(segment.position(EXIF.length()));
    } else if (marker == APP14
        && segment.limit() >= 12
        && PictureReader.text(segment, 0, 5).equals("Adobe")) {
      adobeTransform = segment.get(11) & 0xff;
    }
  }

  private void readFrame(ByteBuffer segment) throws PictureException {
    if (segment.limit() < 6 || segment.limit() < 6 + 3 * (segment.get(5) & 0xff)) {
      throw PictureException.damaged(KIND, "a short header");
    }
    size =
        Optional.of(
            PictureReader.size(
                Short.toUnsignedInt(segment.getShort(3)),
                Short.toUnsignedInt(segment.getShort(1))));
    var names = new StringBuilder();
    for (int i = 0; i < (segment.get(5) & 0xff); i++) {
      names.append((char) (segment.get(6 + 3 * i) & 0xff));
    }
    componentNames = names.toString();
  }

  /** Whether three or four colours are coded as brightness and differences, as libjpeg decides. */
  private boolean hasDifferences(int bands) {
    if (bands == 4) {
      return adobeTransform > 0;
    }
    return isJfif || (adobeTransform >= 0 ? adobeTransform != 0 : !componentNames.equals("RGB"));
  }

  private RgbPicture rgb(Raster raster, PictureSize stored) throws PictureException {
    int bands = raster.getNumBands();
    if (bands == 2
        || bands > 4
        || raster.getWidth() != stored.width()
        || raster.getHeight() != stored.height()) {
      throw PictureException.damaged(KIND, bands + " colours in " + stored);
    }
    boolean differences = hasDifferences(bands);
    var row = new int[bands * stored.width()];
    var rgb = new byte[RgbPicture.CHANNELS * stored.pixels()];
    var pixel = new int[4];
    for (int y = 0, at = 0; y < stored.height(); y++) {
      raster.getPixels(0, y, stored.width(), 1, row);
      for (int x = 0; x < stored.width(); x++, at += RgbPicture.CHANNELS) {
        for (int c = 0; c < pixel.length; c++) {
          pixel[c] = row[bands * x + Math.min(c, bands - 1)];
        }
        if (bands > 1 && differences) {
          JpegColours.fromDifferences(pixel);
        }
        if (bands == 4) {
          JpegColours.fromInks(pixel, differences);
        }
        for (int c = 0; c < RgbPicture.CHANNELS; c++) {
          rgb[at + c] = (byte) pixel[c];
        }
      }
    }
    return new RgbPicture(rgb, stored);
  }
}
