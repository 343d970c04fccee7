package io.github.tpdiff.runtime.media;

import io.github.tpdiff.runtime.picture.PictureLoader;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/**
 * Reads picture files (png, jpg, webp) to upright RGB bytes, as Pillow's {@code
 * ImageOps.exif_transpose} and {@code convert("RGB")} leave them.
 *
 * <p>The content decides what a file is, not its name. Alpha is dropped, grey becomes three equal
 * channels, palettes are looked up, of 16 bits the upper 8 are kept, colour profiles are passed
 * over, and of animations the first frame is taken. Pixels are then Pillow's to the last bit, but
 * for grey of 16 bits, which Pillow cuts off at 255.
 *
 * <p>A picture's size is known and checked before any pixel is decoded; with the limits of {@link
 * PictureSize}, reading takes at most about 1 GiB of heap.
 */
public final class PictureReader implements PictureLoader {
  /** More than the largest picture takes uncompressed. */
  private static final long LARGEST_FILE = 4L * PictureSize.MOST_PIXELS;

  private static final Set<String> HEIF_BRANDS =
      Set.of("heic", "heix", "heim", "heis", "hevc", "mif1", "msf1");

  @Override
  public RgbPicture load(Path file) {
    try {
      return read(file);
    } catch (IOException refused) {
      throw new CheckpointException(String.valueOf(refused.getMessage()), refused);
    }
  }

  /**
   * Reads a picture.
   *
   * @throws IOException if there is none, it is of another kind, damaged or too large, in one line
   *     that names the file
   */
  public static RgbPicture read(Path file) throws IOException {
    return read(file, StoredPicture::read);
  }

  /**
   * The size of an upright picture, found without decoding it.
   *
   * @throws IOException as {@link #read}, but for damage of the picture itself
   */
  public static PictureSize size(Path file) throws IOException {
    return read(file, StoredPicture::size);
  }

  /** A file that holds a picture. */
  interface StoredPicture {
    /** Decoded and upright. */
    RgbPicture read() throws PictureException;

    /** As {@link #read} gives it. */
    PictureSize size() throws PictureException;
  }

  private interface Reading<T> {
    T of(StoredPicture picture) throws PictureException;
  }

  private static <T> T read(Path file, Reading<T> reading) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException(
          "%s: expected a picture file, found %s"
              .formatted(file, Files.isDirectory(file) ? "a folder" : "none"));
    }
    try {
      if (Files.size(file) > LARGEST_FILE) {
        throw new PictureException(
            "expected a picture of at most %d bytes, found %d"
                .formatted(LARGEST_FILE, Files.size(file)));
      }
      return reading.of(stored(ByteBuffer.wrap(Files.readAllBytes(file))));
    } catch (PictureException refused) {
      throw new IOException(file + ": " + refused.getMessage(), refused);
    } catch (FileSystemException failure) {
      throw new IOException(
          file + ": cannot be read: " + failure.getClass().getSimpleName(), failure);
    }
  }

  private static StoredPicture stored(ByteBuffer file) throws PictureException {
    if (JpegFile.recognises(file)) {
      return new JpegFile(file);
    }
    if (PngFile.recognises(file)) {
      return new PngFile(file);
    }
    if (WebpFile.recognises(file)) {
      return new WebpFile(file);
    }
    String found =
        otherKind(file).map(kind -> kind + "; convert it").orElse("another kind of file");
    throw new PictureException("expected a picture (png, jpg, webp), found " + found);
  }

  /** What people are likely to have instead. */
  private static Optional<String> otherKind(ByteBuffer file) {
    if (!file.hasRemaining()) {
      return Optional.of("an empty file");
    }
    String start = text(file, 0, 12);
    String brand = text(file, 8, 4);
    if (start.startsWith("GIF8")) {
      return Optional.of("a gif");
    }
    if (start.startsWith("BM")) {
      return Optional.of("a bmp");
    }
    if (start.startsWith("II*\0") || start.startsWith("MM\0*")) {
      return Optional.of("a tiff");
    }
    if (start.startsWith("ftyp", 4)) {
      return Optional.of(
          HEIF_BRANDS.contains(brand) ? "a heic" : brand.equals("avif") ? "an avif" : "a video");
    }
    return Optional.empty();
  }

  /** Some bytes as text; fewer where the file ends. */
  static String text(ByteBuffer file, int at, int length) {
    int end = Math.min(file.limit(), at + length);
    return at >= end
        ? ""
        : StandardCharsets.ISO_8859_1.decode(file.duplicate().limit(end).position(at)).toString();
  }

  /** A size that a file gives. */
  static PictureSize size(long width, long height) throws PictureException {
    if (width > PictureSize.LONGEST_SIDE
        || height > PictureSize.LONGEST_SIDE
        || width * height > PictureSize.MOST_PIXELS) {
      throw new PictureException(
          "expected a picture of at most %d pixels, no side longer than %d, found %d x %d; make it smaller"
              .formatted(PictureSize.MOST_PIXELS, PictureSize.LONGEST_SIDE, width, height));
    }
    if (width < 1 || height < 1) {
      throw new PictureException(
          "expected a picture of at least one pixel, found %d x %d".formatted(width, height));
    }
    return new PictureSize((int) width, (int) height);
  }
}
