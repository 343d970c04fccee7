package io.github.tpdiff.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.pipeline.GenerationRequest;
import io.github.tpdiff.weights.CheckpointException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class VideoRowTest {
  @Test
  void flatColumns_areFieldsOfFields() {
    VideoRow row =
        VideoRow.of(
            "{\"id\":\"a-1\",\"prompt\":\"a ball\",\"video.width\":64,\"video.frames\":9,\"sampling.steps\":4}");
    GenerationRequest request = GenerationRequest.JSON.parse(row.request(), "row");
    assertThat(row.id()).isEqualTo("a-1");
    assertThat(request.prompt()).isEqualTo("a ball");
    assertThat(request.video().width()).contains(64);
    assertThat(request.video().frames()).contains(9);
    assertThat(request.sampling().steps()).contains(4);
  }

  @ParameterizedTest
  @ValueSource(strings = {".", "video.", "..width"})
  void aColumnOfDots_isAFieldThatNoRequestHas(String column) {
    String request = VideoRow.of("{\"prompt\":\"a\",\"" + column + "\":1}").request();
    assertThatThrownBy(() -> GenerationRequest.JSON.parse(request, "row"))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("row");
  }

  @Test
  void aRowWithoutId_isNamedByWhatItSays() {
    String one = VideoRow.of("{\"prompt\":\"a\"}").id();
    assertThat(one).hasSize(16).isEqualTo(VideoRow.of("{\"prompt\":\"a\"}").id());
    assertThat(VideoRow.of("{\"prompt\":\"b\"}").id()).isNotEqualTo(one);
  }

  @ParameterizedTest
  @ValueSource(strings = {"../a", ".hidden", "a/b", "", "a b"})
  void anIdThatIsNoFilesName_isRefused(String id) {
    assertThatThrownBy(() -> new VideoRow(id, "{}"))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("found '" + id + "'");
  }

  @Test
  void whatIsNoObject_isRefused() {
    assertThatThrownBy(() -> VideoRow.of("[1]")).hasMessageContaining("expected an object");
    assertThatThrownBy(() -> VideoRow.of("{")).isInstanceOf(CheckpointException.class);
  }
}
