package io.github.tpdiff.runtime.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PictureReaderTest {
  private static final int WIDTH = 19;
  private static final int HEIGHT = 13;

  @TempDir private Path folder;

  /** Bytes beside each file are Pillow's. Its libjpeg and libwebp are no relatives of ours. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "colours.jpg",
        "progressive.jpg",
        "grey.jpg",
        "plain-rgb.jpg",
        "inks.jpg",
        "inks-as-differences.jpg",
        "lossy.webp",
        "transparent.webp",
        "lossless.webp",
        "animated.webp",
        "turned.webp",
        "animated.png",
        "palette.png",
        "transparent.png"
      })
  void pixels_arePillows(String name) throws IOException {
    RgbPicture picture = PictureReader.read(write(name, resource(name)));
    boolean turned = name.startsWith("turned");
    assertThat(picture.size())
        .isEqualTo(turned ? new PictureSize(HEIGHT, WIDTH) : new PictureSize(WIDTH, HEIGHT));
    assertThat(picture.rgb()).isEqualTo(resource(name + ".rgb"));
    assertThat(PictureReader.size(folder.resolve(name))).isEqualTo(picture.size());
  }

  @ParameterizedTest
  @CsvSource({
    "TYPE_BYTE_GRAY, 1",
    "TYPE_BYTE_BINARY, 1",
    "TYPE_3BYTE_BGR, 1",
    "TYPE_4BYTE_ABGR, 1",
    "TYPE_USHORT_GRAY, 1",
    "TYPE_INT_RGB, 20000"
  })
  void pngOfEveryKind_keepsItsSamples(String type, int width)
      throws IOException, ReflectiveOperationException {
    int kind = BufferedImage.class.getField(type).getInt(null);
    var image = new BufferedImage(width, 2, kind);
    int bands = image.getRaster().getNumBands();
    int white = (1 << image.getColorModel().getComponentSize(0)) - 1;
    int light = type.equals("TYPE_BYTE_BINARY") ? 1 : white / 255 * 200;
    image.getRaster().setPixel(0, 1, new int[] {light, light, light, 7});
    RgbPicture picture = PictureReader.read(write("made.png", encoded(image, "png")));
    assertThat(picture.size()).isEqualTo(new PictureSize(width, 2));
    byte expected = (byte) (type.equals("TYPE_BYTE_BINARY") ? 255 : 200);
    assertThat(bands).isPositive();
    assertThat(Arrays.copyOfRange(picture.rgb(), 3 * width, 3 * width + 3)).containsOnly(expected);
    assertThat(Arrays.copyOf(picture.rgb(), 3)).containsOnly(0);
  }

  /**
   * Where the stored picture's first row and first column are shown: Exif 2.32, 4.6.4, Orientation.
   */
  @ParameterizedTest
  @CsvSource({
    "1, top, left", "2, top, right", "3, bottom, right", "4, bottom, left",
    "5, left, top", "6, right, top", "7, right, bottom", "8, left, bottom"
  })
  void eightOrientations_showTheSamePicture(int orientation, String row, String column)
      throws IOException {
    int[][] shown = new int[8][16];
    for (int y = 0; y < 8; y++) {
      for (int x = 0; x < 16; x++) {
        shown[y][x] = 0x010101 * (y < 4 ? (x < 8 ? 250 : 170) : (x < 8 ? 90 : 10));
      }
    }
    boolean upright = row.equals("top") || row.equals("bottom");
    var stored = new BufferedImage(upright ? 16 : 8, upright ? 8 : 16, BufferedImage.TYPE_INT_RGB);
    for (int r = 0; r < stored.getHeight(); r++) {
      for (int c = 0; c < stored.getWidth(); c++) {
        int along = row.matches("top|left") ? r : stored.getHeight() - 1 - r;
        int across = column.matches("top|left") ? c : stored.getWidth() - 1 - c;
        stored.setRGB(c, r, upright ? shown[along][across] : shown[across][along]);
      }
    }
    for (boolean little : new boolean[] {true, false}) {
      byte[] exif = exif(orientation, little);
      byte[] png = withChunk(encoded(stored, "png"), "eXIf", exif);
      byte[] jpg = withSegment(encoded(stored, "jpg"), exif);
      assertShows(PictureReader.read(write("turned.png", png)), shown, 0);
      assertShows(PictureReader.read(write("turned.jpg", jpg)), shown, 12);
      for (String name : List.of("turned.png", "turned.jpg")) {
        Path file = folder.resolve(name);
        assertThat(PictureReader.size(file)).isEqualTo(PictureReader.read(file).size());
      }
    }
  }

  private static void assertShows(RgbPicture picture, int[][] shown, int tolerance) {
    assertThat(picture.size()).isEqualTo(new PictureSize(16, 8));
    for (int y = 0; y < 8; y++) {
      for (int x = 0; x < 16; x++) {
        int found = picture.rgb()[3 * (16 * y + x)] & 0xff;
        assertThat(Math.abs(found - (shown[y][x] & 0xff))).isLessThanOrEqualTo(tolerance);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "colours.jpg",
        "progressive.jpg",
        "inks.jpg",
        "lossy.webp",
        "lossless.webp",
        "animated.webp",
        "palette.png",
        "animated.png"
      })
  void cutFile_isRefusedInOneLine_whereverItIsCut(String name) throws IOException {
    byte[] whole = resource(name);
    for (int length = 0; length < whole.length; length++) {
      Path file = write("cut", Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> PictureReader.read(file))
          .as(name + " of %d of %d bytes", length, whole.length)
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith(file + ": expected ")
          .hasMessageNotContaining("\n");
    }
  }

  /** Whatever a damaged file is taken for, it is within the limits or an error of one line. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "colours.jpg",
        "inks.jpg",
        "lossy.webp",
        "lossless.webp",
        "animated.webp",
        "palette.png"
      })
  void damagedFile_isReadOrRefused(String name) throws IOException {
    byte[] whole = resource(name);
    var random = new Random(7);
    for (int attempt = 0; attempt < 300; attempt++) {
      byte[] damaged = whole.clone();
      for (int i = 0; i <= attempt % 3; i++) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
      }
      // Sizes that are allowed take their time.
      Path file = write("damaged", damaged);
      try {
        assertThat(PictureReader.read(file).rgb()).isNotEmpty();
      } catch (IOException refused) {
        assertThat(refused).hasMessageStartingWith(file + ": ").hasMessageNotContaining("\n");
      }
    }
  }

  @Test
  void sizeBeyondTheLimit_isRefusedBeforeDecoding() throws IOException {
    String told =
        ": expected a picture of at most 67108864 pixels, no side longer than 65535, found ";
    byte[] png = resource("palette.png");
    ByteBuffer.wrap(png).putInt(16, 20_000).putInt(20, 10_000);
    assertRefused("wide.png", png, told + "20000 x 10000; make it smaller");
    ByteBuffer.wrap(png).putInt(16, -1).putInt(20, 1);
    assertRefused("wider.png", png, told + "4294967295 x 1;");
    byte[] jpg = resource("colours.jpg");
    int frame = indexOf(jpg, new byte[] {(byte) 0xff, (byte) 0xc0});
    ByteBuffer.wrap(jpg).putShort(frame + 5, (short) 20_000).putShort(frame + 7, (short) 60_000);
    assertRefused("wide.jpg", jpg, told + "60000 x 20000;");
    byte[] webp = resource("animated.webp");
    int header = indexOf(webp, "VP8X".getBytes(StandardCharsets.US_ASCII));
    Arrays.fill(webp, header + 12, header + 18, (byte) 0xff);
    assertRefused("wide.webp", webp, told + "16777216 x 16777216;");
  }

  /** Each lies in the one before: whoever follows them runs out of stack. */
  @Test
  void framesWithinFrames_areNotFollowed() throws IOException {
    int depth = 100_000;
    var webp = ByteBuffer.allocate(12 + 24 * depth).order(ByteOrder.LITTLE_ENDIAN);
    webp.put("RIFF".getBytes(StandardCharsets.US_ASCII)).putInt(webp.capacity() - 8);
    webp.put("WEBP".getBytes(StandardCharsets.US_ASCII));
    while (webp.hasRemaining()) {
      webp.put("ANMF".getBytes(StandardCharsets.US_ASCII)).putInt(webp.remaining() - 4);
      webp.put(new byte[16]);
    }
    assertRefused("deep.webp", webp.array(), ": expected a whole webp, found: no picture");
  }

  @Test
  void emptySize_isRefused() throws IOException {
    byte[] png = resource("palette.png");
    ByteBuffer.wrap(png).putInt(16, 0);
    assertRefused("none.png", png, ": expected a picture of at least one pixel, found 0 x 13");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "GIF89a                 | a gif; convert it",
        "BM                     | a bmp; convert it",
        "0000ftypheic           | a heic; convert it",
        "0000ftypavif           | an avif; convert it",
        "0000ftypisom           | a video; convert it",
        "version https://git-lfs| another kind of file"
      })
  void otherKind_isRefused_sayingWhich(String start, String told) throws IOException {
    assertRefused(
        "picture.png",
        start.strip().getBytes(StandardCharsets.US_ASCII),
        ": expected a picture (png, jpg, webp), found " + told);
  }

  @Test
  void nothing_isRefused() throws IOException {
    assertRefused(
        "empty.jpg", new byte[0], ": expected a picture (png, jpg, webp), found an empty file");
    assertThatThrownBy(() -> PictureReader.read(folder))
        .hasMessage(folder + ": expected a picture file, found a folder");
    Path absent = folder.resolve("absent.png");
    assertThatThrownBy(() -> PictureReader.read(absent))
        .hasMessage(absent + ": expected a picture file, found none");
  }

  @Test
  void changedByteOfAPng_isNoticed() throws IOException {
    byte[] png = resource("transparent.png");
    png[indexOf(png, "IDAT".getBytes(StandardCharsets.US_ASCII)) + 9] ^= 1;
    assertRefused("changed.png", png, ": expected a whole png, found: a wrong checksum at byte ");
  }

  private void assertRefused(String name, byte[] content, String told) throws IOException {
    Path file = write(name, content);
    assertThatThrownBy(() -> PictureReader.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(file + told)
        .hasMessageNotContaining("\n");
  }

  private Path write(String name, byte[] content) throws IOException {
    return Files.write(folder.resolve(name), content);
  }

  private static byte[] resource(String name) throws IOException {
    try (var stream =
        Objects.requireNonNull(
            PictureReaderTest.class.getResourceAsStream("pictures/" + name), name)) {
      return stream.readAllBytes();
    }
  }

  private static byte[] encoded(BufferedImage image, String format) throws IOException {
    var bytes = new ByteArrayOutputStream();
    assertThat(ImageIO.write(image, format, bytes)).isTrue();
    return bytes.toByteArray();
  }

  /** A TIFF of one tag. */
  private static byte[] exif(int orientation, boolean little) {
    var tiff = ByteBuffer.allocate(26);
    tiff.order(little ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    tiff.putShort((short) (little ? 0x4949 : 0x4d4d)).putShort((short) 42).putInt(8);
    tiff.putShort((short) 1).putShort((short) 0x0112).putShort((short) 3).putInt(1);
    return tiff.putShort((short) orientation).putShort((short) 0).putInt(0).array();
  }

  /** Behind the header. */
  private static byte[] withChunk(byte[] png, String name, byte[] data) {
    var checksum = new CRC32();
    checksum.update(name.getBytes(StandardCharsets.US_ASCII));
    checksum.update(data);
    return ByteBuffer.allocate(png.length + 12 + data.length)
        .put(png, 0, 33)
        .putInt(data.length)
        .put(name.getBytes(StandardCharsets.US_ASCII))
        .put(data)
        .putInt((int) checksum.getValue())
        .put(png, 33, png.length - 33)
        .array();
  }

  private static byte[] withSegment(byte[] jpg, byte[] exif) {
    return ByteBuffer.allocate(jpg.length + 10 + exif.length)
        .put(jpg, 0, 2)
        .putShort((short) 0xffe1)
        .putShort((short) (8 + exif.length))
        .put("Exif\0\0".getBytes(StandardCharsets.US_ASCII))
        .put(exif)
        .put(jpg, 2, jpg.length - 2)
        .array();
  }

  private static int indexOf(byte[] bytes, byte[] wanted) {
    return new String(bytes, StandardCharsets.ISO_8859_1)
        .indexOf(new String(wanted, StandardCharsets.ISO_8859_1));
  }
}
