package io.github.tpdiff.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.runtime.model.ConfigException;
import io.github.tpdiff.runtime.picture.ClipImageProcessor;
import io.github.tpdiff.runtime.picture.ClipImageProcessor.Normalisation;
import io.github.tpdiff.runtime.picture.PictureSize;
import io.github.tpdiff.runtime.picture.ResampleFilter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClipImageProcessorConfigTest {
  @TempDir private Path folder;

  private ClipImageProcessor read(String json) throws IOException {
    Files.writeString(folder.resolve("preprocessor_config.json"), json);
    return ClipImageProcessorConfig.open(folder);
  }

  @Test
  void whatIsNotSaid_isAsInTransformers() throws IOException {
    assertThat(read("{}")).isEqualTo(ClipImageProcessor.ofSize(224));
    assertThat(ClipImageProcessorConfig.open(folder.resolve("absent.json")))
        .isEqualTo(ClipImageProcessor.ofSize(224));
  }

  @Test
  void picturesOfAnotherSizeThanTheEncoders_areRefusedByField() throws IOException {
    assertThat(ClipImageProcessorConfig.open(folder, 56)).isEqualTo(ClipImageProcessor.ofSize(56));
    read("{\"size\": {\"shortest_edge\": 56}, \"crop_size\": 56}");
    assertThat(ClipImageProcessorConfig.open(folder, 56)).isEqualTo(ClipImageProcessor.ofSize(56));
    assertThatThrownBy(() -> ClipImageProcessorConfig.open(folder, 64))
        .isInstanceOf(ConfigException.class)
        .hasMessageEndingWith(
            "crop_size: expected 64 x 64, as the image encoder's image_size has it, found 56 x 56");
    read("{\"size\": {\"shortest_edge\": 64}, \"do_center_crop\": false}");
    assertThatThrownBy(() -> ClipImageProcessorConfig.open(folder, 64))
        .hasMessageEndingWith("as the image encoder's image_size has it, found none");
  }

  /** As today's files say it, and those of the first CLIP. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{'image_processor_type':'CLIPImageProcessor','size':{'shortest_edge':56},'crop_size':{'height':56,'width':56},'rescale_factor':0.00392156862745098}",
        "{'feature_extractor_type':'CLIPFeatureExtractor','size':56,'crop_size':56,'resample':3,'unknown':1}"
      })
  void bothGenerations_sayTheSame(String json) throws IOException {
    assertThat(read(json.replace('\'', '"'))).isEqualTo(ClipImageProcessor.ofSize(56));
  }

  @Test
  void everyField_isFollowed() throws IOException {
    assertThat(
            read(
                """
                {"size": {"height": 3, "width": 4}, "resample": 1, "do_center_crop": false,
                 "rescale_factor": 0.5, "image_mean": [1, 2, 3], "image_std": [4, 5, 6]}
                """))
        .isEqualTo(
            new ClipImageProcessor(
                Optional.of(
                    ClipImageProcessor.Resize.to(new PictureSize(4, 3), ResampleFilter.LANCZOS)),
                Optional.empty(),
                0.5,
                Optional.of(new Normalisation(List.of(1.0, 2.0, 3.0), List.of(4.0, 5.0, 6.0)))));
    assertThat(read("{\"do_resize\":false,\"do_rescale\":false,\"do_normalize\":false}"))
        .isEqualTo(
            new ClipImageProcessor(
                Optional.empty(), Optional.of(new PictureSize(224, 224)), 1, Optional.empty()));
    assertThat(read("{\"resample\": 2}").resize())
        .contains(ClipImageProcessor.Resize.shortestEdge(224, ResampleFilter.BILINEAR));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{'image_processor_type':'SiglipImageProcessor'}; image_processor_type: expected CLIPImageProcessor, found SiglipImageProcessor",
        "{'size':{'longest_edge':3}}; size: longest_edge: expected none, but shortest_edge or both sides, found 3",
        "{'size':{'width':3}}; size: height: expected a length in pixels, found none",
        "{'size':{'shortest_edge':1000000}}; shortest_edge: expected 1 to 16384, found 1000000",
        "{'size':{'width':100000,'height':1}}; expected sides of 1 to 65535 pixels",
        "{'crop_size':'big'}; crop_size: expected an integer from 1 to",
        "{'resample':0}; resample: expected 1, 2 or 3 (Lanczos, bilinear, bicubic), found 0.0",
        "{'do_resize':1}; do_resize: expected true or false, found 1",
        "{'rescale_factor':0}; rescale_factor: expected a positive number, found 0.0",
        "{'image_std':[1,1]}; image_std: expected 3 finite numbers, found [1.0, 1.0]"
      })
  void whatIsNotKnown_isRefused_namingFileAndField(String json, String told) {
    assertThatThrownBy(() -> read(json.replace('\'', '"')))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith(folder.resolve("preprocessor_config.json") + ": ")
        .hasMessageContaining(told);
  }
}
