package io.github.tpdiff.lora.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ListFileTest {
  @TempDir private Path folder = Path.of("");

  private record Malformed(String name, String text, int line, String words) {}

  static List<Malformed> malformed() {
    return List.of(
        new Malformed("comma.csv", "video,caption\na.mp4,a cat, with comma\n", 2, "found 3"),
        new Malformed("few.csv", "video,caption\n\na.mp4,x\nb.mp4\n", 4, "expected 2 columns"),
        new Malformed("open.csv", "video,caption\na.mp4,\"open\nb.mp4,b\n", 2, "closing quote"),
        new Malformed("first.csv", "video,caption\n\"clips/a.mp4,x\n", 2, "closing quote"),
        new Malformed("closed.csv", "video,caption\na.mp4,\"a cat\" sits\n", 2, "after a closing"),
        new Malformed("long.csv", "video,caption\na.mp4,\"a\r\ncat\" sits\n", 3, "after a closing"),
        new Malformed("inch.csv", "video,caption\r\na.mp4,a 5\" disc\r\n", 2, "double those"),
        new Malformed("space.csv", "video,caption\na.mp4, \"a cat\"\n", 2, "whole field"),
        new Malformed("semi.csv", "video;caption\na.mp4;a cat\n", 1, "found ';' between them"),
        new Malformed("tab.csv", "video\tcaption\na.mp4\ta cat\n", 1, "found 'tab' between"),
        new Malformed("other.csv", "clip,words\na,b\n", 1, "the columns 'clip', 'words'"),
        new Malformed(
            "silent.csv", "video,label\na.mp4,b\n", 1, "'caption' (or prompt, text, description)"),
        new Malformed("twice.csv", "video,caption,caption\na,b,c\n", 1, "found two"),
        new Malformed("empty.csv", "video,caption\n,b\n", 2, "expected a video's path"),
        new Malformed("cut.jsonl", "{\"video\": \"a.mp4\", \"cap\n", 1, "JSON object"),
        new Malformed("list.jsonl", "\n[\"a.mp4\", \"x\"]\n", 2, "JSON object, found ARRAY"),
        new Malformed("more.jsonl", "{\"video\":\"a\"} {\"video\":\"b\"}\n", 1, "JSON object"),
        new Malformed("twice.jsonl", "{\"video\":\"a\",\"video\":\"b\"}\n", 1, "uplicate"),
        new Malformed("other.jsonl", "{\"clip\":\"a\"}\n", 1, "the fields 'clip'"),
        new Malformed("number.jsonl", "{\"video\":3}\n", 1, "'video': expected a string"),
        new Malformed(
            "words.jsonl", "{\"path\":\"a\",\"text\":[]}", 1, "'text': expected a string"),
        new Malformed("zero.jsonl", "{\"video\":\"a\\u0000b\"}\n", 1, "expected a video's path"));
  }

  @ParameterizedTest
  @MethodSource("malformed")
  void malformedLine_isNamed_withWhatWasExpected(Malformed list) throws IOException {
    Path file = Files.writeString(folder.resolve(list.name()), list.text());
    assertThatThrownBy(() -> SourceList.read(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file + ": line " + list.line() + ": ")
        .hasMessageContaining(list.words());
  }

  @ParameterizedTest
  @CsvSource({
    "ISO-8859-1, 3, the byte e9",
    "UTF-16, 1, UTF-16",
    "UTF-16LE, 1, a zero byte",
    "windows-1252, 3, the byte e9"
  })
  void otherEncodings_areRefused_atTheirFirstLine(String charset, int line, String found)
      throws IOException {
    String text = "video,caption\r\na.mp4,tea\r\nb.mp4,caf\u00e9\r\n";
    for (String name : List.of("list.csv", "list.jsonl")) {
      Path file = Files.write(folder.resolve(name), text.getBytes(Charset.forName(charset)));
      assertThatThrownBy(() -> SourceList.read(file))
          .isInstanceOf(CheckpointException.class)
          .hasMessage(
              "%s: line %d: expected text in UTF-8, found %s%s; save it as UTF-8",
              file,
              line,
              found,
              found.startsWith("the byte")
                  ? ", as in another encoding"
                  : found.startsWith("a zero") ? ", as in UTF-16" : "");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "video, caption",
    "video_path, text",
    "file_name, prompt",
    "file_path, caption",
    "path, text",
    "Video, ' Caption '",
  })
  void namesOfOtherTools_areKnown_afterAByteOrderMark(String video, String caption)
      throws IOException {
    Path csv = folder.resolve("list.csv");
    Files.writeString(
        csv,
        "\uFEFF%s,fps,%s\r\n\"a,1.mp4\",16,\"two\nlines, \"\"so\"\"\"\r\n"
            .formatted(video, caption));
    Path jsonl = folder.resolve("list.jsonl");
    Files.writeString(
        jsonl,
        "\uFEFF{\"%s\": \"a,1.mp4\", \"%s\": \"two\\nlines, \\\"so\\\"\"}\n"
            .formatted(video, caption));
    var expected =
        new SourceVideo(
            folder.resolve("a,1.mp4"), Optional.of("two\nlines, \"so\""), Optional.empty());
    assertThat(SourceList.read(csv).videos()).containsExactly(expected);
    assertThat(SourceList.read(jsonl).videos()).containsExactly(expected);
  }

  @Test
  void ownNames_countBeforeThoseOfOtherTools() throws IOException {
    Path file = Files.writeString(folder.resolve("list.csv"), "text,path,caption,video\nt,p,c,v\n");
    assertThat(SourceList.read(file).videos())
        .containsExactly(new SourceVideo(folder.resolve("v"), Optional.of("c"), Optional.empty()));
  }

  private static Path generated = Path.of("");

  @BeforeContainer
  static void makeFolder() throws IOException {
    generated = Files.createTempDirectory("lists");
  }

  @AfterContainer
  static void deleteFolder() throws IOException {
    try (var files = Files.list(generated)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(generated);
  }

  @Provide
  Arbitrary<String> texts() {
    Arbitrary<String> pieces =
        Arbitraries.of(
            "video", "caption", "text", "a.mp4", "{", "}", "\"", "\"\"", ",", ",", ";", "\t", "\n",
            "\r\n", "\r", ":", "\u0000", "\\u0000", "\u00e9", "\uFEFF", " ", "[", "null", "1e999",
            "\\ud800", "\\");
    Arbitrary<String> starts =
        Arbitraries.of(
            "", "video,caption\n", "\uFEFFpath,text\r\n", "{\"video\":\"a\",\"caption\":\"b\"}\n");
    return starts.flatMap(s -> pieces.list().ofMaxSize(12).map(p -> s + String.join("", p)));
  }

  /** Whatever a list holds, it is read, or refused with a line that it has. */
  @Property(tries = 1000)
  void everyList_isReadOrRefusedAtALineThatExists(
      @ForAll("texts") String text, @ForAll boolean latin, @ForAll boolean csv) throws IOException {
    Path file = generated.resolve(csv ? "list.csv" : "list.jsonl");
    Files.write(file, text.getBytes(latin ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8));
    try {
      assertThat(SourceList.read(file).videos()).isNotEmpty();
    } catch (CheckpointException refused) {
      String message = String.valueOf(refused.getMessage());
      if (!message.startsWith(file + ": expected videos")) {
        Matcher named =
            Pattern.compile(
                    Pattern.quote(file.toString()) + ": line (\\d+): expected .*", Pattern.DOTALL)
                .matcher(message);
        assertThat(named.matches()).as(message).isTrue();
        assertThat(Integer.parseInt(named.group(1))).isBetween(1, (int) text.lines().count());
      }
    }
  }
}
