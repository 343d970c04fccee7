package io.github.tpdiff.runtime.media;

import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_ID_WEBP;
import static org.bytedeco.ffmpeg.global.avcodec.av_new_packet;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_alloc;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_free;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_alloc_context3;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_find_decoder;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_free_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_open2;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_receive_frame;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_send_packet;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_ARGB;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_YUV420P;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_free;

import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.RgbPicture;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;

/**
 * Decodes a still webp with ffmpeg's decoder; its colours are converted here, because swscale's
 * conversion is another than libwebp's.
 */
final class WebpDecoder {
  private WebpDecoder() {}

  /**
   * Decodes.
   *
   * @param riff a file of one picture
   * @param size what its header says
   */
  static RgbPicture decode(byte[] riff, PictureSize size) throws PictureException {
    Ffmpeg.start();
    AVCodecContext codec = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_WEBP));
    AVFrame frame = av_frame_alloc();
    try {
      codec.max_pixels(PictureSize.MOST_PIXELS);
      codec.thread_count(1);
      require(avcodec_open2(codec, codec.codec(), (AVDictionary) null));
      send(codec, riff);
      require(avcodec_receive_frame(codec, frame));
      return rgb(frame, size);
    } finally {
      av_frame_free(frame);
      avcodec_free_context(codec);
    }
  }

  private static void send(AVCodecContext codec, byte[] riff) throws PictureException {
    var packet = av_packet_alloc();
    try {
      require(av_new_packet(packet, riff.length));
      packet.data().put(riff);
      require(avcodec_send_packet(codec, packet));
    } finally {
      av_packet_free(packet);
    }
  }

  private static void require(int result) throws PictureException {
    if (result < 0) {
      // Not always the file's fault: ffmpeg 8.0 refuses some lossless files of pure noise.
      throw PictureException.undecodable(WebpFile.KIND, VideoStream.message(result));
    }
  }

  private static RgbPicture rgb(AVFrame frame, PictureSize size) throws PictureException {
    if (frame.width() != size.width() || frame.height() != size.height()) {
      throw PictureException.damaged(
          WebpFile.KIND, "%d x %d in %s".formatted(frame.width(), frame.height(), size));
    }
    if (frame.format() == AV_PIX_FMT_ARGB) {
      return new RgbPicture(fromArgb(frame, size), size);
    }
    if (frame.format() != AV_PIX_FMT_YUV420P) {
      throw PictureException.damaged(WebpFile.KIND, "pixels of format " + frame.format());
    }
    var luma = new byte[size.width()];
    int half = (size.width() + 1) / 2;
    byte[][] near = {new byte[half], new byte[half]};
    byte[][] far = {new byte[half], new byte[half]};
    var rgb = new byte[RgbPicture.CHANNELS * size.pixels()];
    for (int y = 0; y < size.height(); y++) {
      row(frame, 0, y, luma);
      int other = Math.max(0, Math.min((size.height() + 1) / 2 - 1, y / 2 - 1 + y % 2 * 2));
      for (int plane = 1; plane <= 2; plane++) {
        row(frame, plane, y / 2, near[plane - 1]);
        row(frame, plane, other, far[plane - 1]);
      }
      WebpColours.convert(luma, near, far, rgb, y);
    }
    return new RgbPicture(rgb, size);
  }

  private static byte[] fromArgb(AVFrame frame, PictureSize size) {
    var row = new byte[4 * size.width()];
    var rgb = new byte[RgbPicture.CHANNELS * size.pixels()];
    for (int y = 0, at = 0; y < size.height(); y++) {
      row(frame, 0, y, row);
      for (int x = 0; x < size.width(); x++, at += RgbPicture.CHANNELS) {
        System.arraycopy(row, 4 * x + 1, rgb, at, RgbPicture.CHANNELS);
      }
    }
    return rgb;
  }

  private static void row(AVFrame frame, int plane, int y, byte[] into) {
    try (var data = frame.data(plane)) {
      data.position((long) y * frame.linesize(plane)).get(into);
    }
  }
}
