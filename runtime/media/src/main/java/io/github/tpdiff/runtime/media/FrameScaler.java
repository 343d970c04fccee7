package io.github.tpdiff.runtime.media;

import static org.bytedeco.ffmpeg.global.avutil.AVCOL_RANGE_JPEG;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_SPC_UNSPECIFIED;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_RGB24;
import static org.bytedeco.ffmpeg.global.swscale.SWS_ACCURATE_RND;
import static org.bytedeco.ffmpeg.global.swscale.SWS_BICUBIC;
import static org.bytedeco.ffmpeg.global.swscale.SWS_CS_DEFAULT;
import static org.bytedeco.ffmpeg.global.swscale.SWS_FULL_CHR_H_INP;
import static org.bytedeco.ffmpeg.global.swscale.SWS_FULL_CHR_H_INT;
import static org.bytedeco.ffmpeg.global.swscale.sws_freeContext;
import static org.bytedeco.ffmpeg.global.swscale.sws_getCoefficients;
import static org.bytedeco.ffmpeg.global.swscale.sws_getContext;
import static org.bytedeco.ffmpeg.global.swscale.sws_scale;
import static org.bytedeco.ffmpeg.global.swscale.sws_setColorspaceDetails;

import io.github.tpdiff.runtime.video.VideoFrame;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.swscale.SwsContext;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * Turns decoded pictures of one format into RGB in [-1, 1], scaled, turned and cut as its framing
 * says.
 *
 * <p>Scaling is bicubic with a filter that widens when shrinking, so fine patterns do not alias.
 * Colours follow the picture's own tags; untagged ones are read as BT.601, as ffmpeg does.
 */
final class FrameScaler implements AutoCloseable {
  static final int FLAGS = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP;

  private final Framing framing;
  private final SwsContext context;
  private final byte[] rgb;
  private final BytePointer buffer;
  private final PointerPointer<BytePointer> planes;
  private final IntPointer strides;

  FrameScaler(AVFrame sample, Framing framing) {
    this.framing = framing;
    int width = framing.scaledWidth();
    int height = framing.scaledHeight();
    context =
        sws_getContext(
            sample.width(),
            sample.height(),
            sample.format(),
            width,
            height,
            AV_PIX_FMT_RGB24,
            FLAGS,
            null,
            null,
            (DoublePointer) null);
    if (context == null) {
      throw new IllegalStateException(
          "cannot scale %d x %d to %d x %d"
              .formatted(sample.width(), sample.height(), width, height));
    }
    setColours(sample);
    rgb = new byte[Math.multiplyExact(3, Math.multiplyExact(width, height))];
    // Vector code may write past the last row.
    buffer = new BytePointer(rgb.length + 64L);
    planes = new PointerPointer<BytePointer>(4).put(0, buffer);
    strides = new IntPointer(3 * width, 0, 0, 0);
  }

  private void setColours(AVFrame sample) {
    int space = sample.colorspace();
    var table = sws_getCoefficients(space == AVCOL_SPC_UNSPECIFIED ? SWS_CS_DEFAULT : space);
    int fullRange = sample.color_range() == AVCOL_RANGE_JPEG ? 1 : 0;
    int one = 1 << 16;
    // Refused for RGB sources, which need no table.
    sws_setColorspaceDetails(context, table, fullRange, table, 1, 0, one, one);
  }

  VideoFrame scale(AVFrame picture, double seconds) {
    sws_scale(context, picture.data(), picture.linesize(), 0, picture.height(), planes, strides);
    buffer.get(rgb);
    int plane = framing.height() * framing.width();
    var data = new float[3 * plane];
    for (int row = 0, pixel = 0; row < framing.height(); row++) {
      for (int column = 0; column < framing.width(); column++, pixel++) {
        int source = 3 * framing.source(row, column);
        for (int c = 0; c < 3; c++) {
          data[c * plane + pixel] = (rgb[source + c] & 0xff) / 127.5f - 1f;
        }
      }
    }
    return new VideoFrame(data, framing.height(), framing.width(), seconds);
  }

  Framing framing() {
    return framing;
  }

  @Override
  public void close() {
    sws_freeContext(context);
    buffer.close();
    planes.close();
    strides.close();
  }
}
