package io.github.tpdiff.runtime.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.ffmpeg.global.avcodec;
import org.bytedeco.javacv.FFmpegFrameRecorder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that bear a video's name and would make a player read others. */
class DisguisedFileTest {
  private static final String DASH =
      """
      <?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
      profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" mediaPresentationDuration="PT2S">
      <Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1">
      <BaseURL>TARGET</BaseURL><SegmentBase/></Representation></AdaptationSet></Period></MPD>
      """;

  @ParameterizedTest
  @ValueSource(
      strings = {
        DASH,
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nTARGET\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile 'TARGET'\n",
        "<?xml version=\"1.0\"?><SmoothStreamingMedia><!-- TARGET --></SmoothStreamingMedia>",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
        "[playlist]\nFile1=TARGET\nNumberOfEntries=1\n",
        "[Reference]\nRef1=TARGET\n",
        "<ASX version=\"3.0\"><Entry><Ref href=\"TARGET\"/></Entry></ASX>",
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
      })
  void listOfOtherFiles_isNoVideo(String content, @TempDir Path folder) throws IOException {
    var secret = folder.resolve("secret.mp4");
    TestVideos.writeQuarters(secret, recorder -> {});
    for (var target : new String[] {"secret.mp4", secret.toString(), secret.toUri().toString()}) {
      for (var name : new String[] {"clip.mp4", "clip.ts", "clip.mkv", "clip.m3u8"}) {
        var file = Files.writeString(folder.resolve(name), content.replace("TARGET", target));
        assertThatThrownBy(() -> VideoReader.open(file))
            .isInstanceOf(IOException.class)
            .hasMessageContaining(file + ": expected a video");
      }
    }
  }

  /** Made so that ffmpeg -enable_drefs 1 reads four frames out of secret.mov. */
  @Test
  void trackInAnotherFile_isNotFollowed(@TempDir Path folder) throws IOException {
    var secret = TestVideos.copyResource("secret.mov", folder);
    assertThat(VideoReader.probe(secret).frames()).isEqualTo(4);
    var file = TestVideos.copyResource("track-elsewhere.mov", folder);
    assertThatThrownBy(() -> VideoReader.probe(file))
        .isInstanceOf(DamagedVideoException.class)
        .hasMessageContaining(file + ": ")
        .hasMessageContaining("0 frames were readable");
  }

  @Test
  void bareStream_isNoContainer(@TempDir Path folder) throws IOException {
    var file = folder.resolve("bare.mp4");
    try (var recorder = new FFmpegFrameRecorder(folder.resolve("bare.h264").toFile(), 64, 48, 0);
        var picture = new org.bytedeco.javacv.Frame(64, 48, 8, 3)) {
      recorder.setVideoCodec(avcodec.AV_CODEC_ID_H264);
      recorder.setFormat("h264");
      recorder.start();
      recorder.record(picture, org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_RGB24);
    }
    Files.move(folder.resolve("bare.h264"), file);
    assertThatThrownBy(() -> VideoReader.open(file))
        .hasMessageContaining(file + ": expected a video in a container")
        .hasMessageContaining("found another kind of file");
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void colonInAName_isNoProtocol(@TempDir Path folder) throws IOException {
    for (var name : new String[] {"concat:a|b.mp4", "http:x.mp4", "12:30.mp4", "%d.mp4"}) {
      var file = folder.resolve(name);
      TestVideos.writeQuarters(folder.resolve("plain.mp4"), recorder -> {});
      Files.move(folder.resolve("plain.mp4"), file);
      assertThat(VideoReader.probe(file).frames()).as(name).isEqualTo(2);
    }
  }
}
