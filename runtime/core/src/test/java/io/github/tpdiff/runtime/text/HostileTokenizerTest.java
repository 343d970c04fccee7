package io.github.tpdiff.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tpdiff.weights.CheckpointException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Tokenizers at which the native library ends the process or takes all memory. A test that lets one
 * through does not fail, it takes the whole run down.
 */
class HostileTokenizerTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> PROMPTS =
      List.of(
          "a red ball", "", "  \u0001\u200b ", "日本語 ﷺ é́", "a".repeat(3000), "</s><|endoftext|>");

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "wan ; /normalizer ; {'type':'Precompiled','precompiled_charsmap':'AAAA'}",
        "wan ; /normalizer ; {'type':'Precompiled','precompiled_charsmap':'!!!!'}",
        "wan ; /normalizer ; {'type':'Replace','pattern':{'String':'a'},'content':'aaaaaaaaaa'}",
        "wan ; /normalizer ; {'type':'Replace','pattern':{'Regex':'(a+)+$'},'content':''}",
        "wan ; /normalizer ; {'type':'Bert'}",
        "wan ; /pre_tokenizer ; {'type':'Split','pattern':{'Regex':'(a+)+$'},'behavior':'Isolated','invert':false}",
        "wan ; /pre_tokenizer ; {'type':'Metaspace','replacement':'__'}",
        "wan ; /post_processor/special_tokens ; {}",
        "wan ; /post_processor/special_tokens/<~1s>/ids ; [1,1]",
        "wan ; /post_processor/special_tokens/<~1s>/ids ; [1000000]",
        "wan ; /post_processor/single ; [{'Sequence':{'id':'A'}},{'Sequence':{'id':'B'}}]",
        "wan ; /model/unk_id ; 1000000",
        "wan ; /model/unk_id ; null",
        "wan ; /model/vocab ; []",
        "wan ; /model/vocab/5 ; ['x', 1e400]",
        "wan ; /model/type ; 'WordPiece'",
        "wan ; /added_tokens/0/id ; 4294967295",
        "wan ; /added_tokens/0 ; {'id':420,'content':'  ','normalized':true}",
        "wan ; /added_tokens/0/content ; ''",
        "animatediff ; /model/continuing_subword_prefix ; '##'",
        "animatediff ; /model/unk_token ; 'nowhere'",
        "animatediff ; /model/dropout ; 0.5",
        "animatediff ; /model/merges/0 ; ['in', 'nowhere']",
        "animatediff ; /model/merges/0 ; 'three parts here'",
        "animatediff ; /model/vocab/in ; -1",
        "animatediff ; /model/vocab/in ; 4294967296",
        "animatediff ; /post_processor/sep ; ['nowhere', 813]",
        "animatediff ; /post_processor/sep ; ['<|endoftext|>', 5]",
        "animatediff ; /pre_tokenizer/pretokenizers/0/pattern/Regex ; '(a|aa)+$'",
      })
  void knownKillers_areRefusedByFileAndField(String golden, String at, String value)
      throws IOException {
    JsonNode tree = published(golden);
    set(tree, at, JSON.readTree(value.replace('\'', '"')));
    write(golden, tree);
    String field = at.split("/", -1)[1];
    assertThatThrownBy(() -> HuggingFaceTokenizer.open(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(folder.resolve("tokenizer.json") + ": " + field)
        .hasMessageContaining("expected ")
        .hasMessageContaining("found ");
  }

  @Test
  void chainedReplacements_areRefused() throws IOException {
    JsonNode tree = published("wan");
    ArrayNode steps =
        ((ObjectNode) tree).putObject("normalizer").put("type", "Sequence").putArray("normalizers");
    for (int i = 0; i < 9; i++) {
      ObjectNode step = steps.addObject().put("type", "Replace").put("content", "b");
      step.putObject("pattern").put("String", "a");
    }
    write("wan", tree);
    assertThatThrownBy(() -> HuggingFaceTokenizer.open(folder))
        .hasMessageContaining("normalizer.normalizers: expected a list of at most 8");
  }

  @Test
  void idsBeyondTheEncodersTable_areRefused() throws IOException {
    JsonNode tree = published("wan");
    int pieces = tree.path("model").path("vocab").size();
    write("wan", tree);
    HuggingFaceTokenizer.open(folder, pieces).close();
    assertThatThrownBy(() -> HuggingFaceTokenizer.open(folder, pieces - 1))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("expected ids below " + (pieces - 1))
        .hasMessageContaining("found " + (pieces - 1));
    ((ArrayNode) tree.path("added_tokens")).addObject().put("id", pieces).put("content", "<new>");
    write("wan", tree);
    assertThatThrownBy(() -> HuggingFaceTokenizer.open(folder, pieces))
        .hasMessageContaining("found " + pieces);
  }

  /** The forms of this step in files of several years; all give the same ids. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'type':'Metaspace','replacement':'▁','prepend_scheme':'always','split':true}",
        "{'type':'Metaspace','replacement':'▁','add_prefix_space':true}",
        "{'type':'Metaspace','replacement':'▁','str_rep':'▁','add_prefix_space':true}",
        "{'type':'Sequence','pretokenizers':[{'type':'WhitespaceSplit'},"
            + "{'type':'Metaspace','replacement':'▁','add_prefix_space':true}]}",
      })
  void publishedForms_giveTheSameIds(String step) throws IOException {
    JsonNode tree = published("wan");
    set(tree, "/pre_tokenizer", JSON.readTree(step.replace('\'', '"')));
    set(
        tree,
        "/normalizer",
        JSON.readTree(
            "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Replace\","
                + "\"pattern\":{\"Regex\":\" {2,}\"},\"content\":\" \"}]}"));
    write("wan", tree);
    try (var tokenizer = HuggingFaceTokenizer.open(folder)) {
      long[] ids = tokenizer.encode(List.of("hello   world"), 16).inputIds()[0];
      assertThat(ids).startsWith(tokenizer.encode(List.of("hello world"), 16).inputIds()[0]);
      assertThat(ids).contains(1);
    }
  }

  /** Whatever else stands in a tokenizer: it opens and encodes, or is refused in one line. */
  @ParameterizedTest
  @CsvSource({"wan, 1", "wan, 2", "animatediff, 3", "animatediff, 4"})
  void mutatedTokenizers_encodeOrAreRefused(String golden, long seed) throws IOException {
    var random = new Random(seed);
    String published = published(golden).toString();
    int opened = 0;
    for (int i = 0; i < 120; i++) {
      JsonNode tree = JSON.readTree(published);
      for (int j = random.nextInt(3); j >= 0; j--) {
        mutate(tree, random);
      }
      write(golden, tree);
      try (var tokenizer = HuggingFaceTokenizer.open(folder, 100_000)) {
        opened++;
        assertThat(tokenizer.encode(PROMPTS, 16).inputIds()).hasDimensions(PROMPTS.size(), 16);
      } catch (CheckpointException | IOException refused) {
        assertThat(refused).hasMessageContaining(folder.toString()).hasMessageNotContaining("\n");
      }
    }
    assertThat(opened).isPositive();
  }

  /** Bits of the published table flipped at random: the trie's walk stays within its bounds. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void mutatedCharsmaps_encodeOrAreRefused(long seed) throws IOException {
    var random = new Random(seed);
    JsonNode tree = published("wan");
    ObjectNode step = (ObjectNode) tree.at("/normalizer/normalizers/0");
    byte[] table = Base64.getDecoder().decode(step.path("precompiled_charsmap").textValue());
    int opened = 0;
    for (int i = 0; i < 60; i++) {
      byte[] changed = table.clone();
      for (int j = random.nextInt(4); j >= 0; j--) {
        // The first units are those that every text passes.
        int within = random.nextBoolean() ? changed.length : 2048;
        changed[random.nextInt(within)] ^= (byte) (1 << random.nextInt(8));
      }
      step.put("precompiled_charsmap", Base64.getEncoder().encodeToString(changed));
      write("wan", tree);
      try (var tokenizer = HuggingFaceTokenizer.open(folder)) {
        opened++;
        tokenizer.encode(allCharacters(), 16);
      } catch (CheckpointException refused) {
        assertThat(refused).hasMessageContaining("precompiled_charsmap: expected ");
      }
    }
    assertThat(opened).isPositive();
  }

  /** A table of one unit that sends every text out of its bounds. */
  @Test
  void tableThatLeavesItsBounds_isRefused() throws IOException {
    ByteBuffer table = ByteBuffer.allocate(4 + 1024).order(ByteOrder.LITTLE_ENDIAN);
    table.putInt(1024).putInt(4 + 'a' * 4, 'a' | 5000 << 10);
    JsonNode tree = published("wan");
    ObjectNode step = (ObjectNode) tree.at("/normalizer/normalizers/0");
    step.put("precompiled_charsmap", Base64.getEncoder().encodeToString(table.array()));
    write("wan", tree);
    assertThatThrownBy(() -> HuggingFaceTokenizer.open(folder))
        .hasMessageContaining("precompiled_charsmap: expected a trie within its bounds");
  }

  @ParameterizedTest
  @ValueSource(strings = {"wan", "animatediff"})
  void oddPrompts_areEncoded(String golden) throws IOException {
    write(golden, published(golden));
    try (var tokenizer = HuggingFaceTokenizer.open(folder)) {
      for (String prompt :
          List.of("\0", "a\0b", "\ud800", "\udc00x", "a\ud83d", "\uffff", "\r\n")) {
        assertThat(tokenizer.encode(List.of(prompt), 16).inputIds()[0]).hasSize(16);
      }
    }
  }

  private static List<String> allCharacters() {
    var texts = new ArrayList<String>();
    for (int start = 1; start < 0x3000; start += 256) {
      var text = new StringBuilder();
      for (int point = start; point < start + 256; point++) {
        text.appendCodePoint(point).append(' ');
      }
      texts.add(text.toString());
    }
    return texts;
  }

  private static JsonNode published(String golden) throws IOException {
    return JSON.readTree(
        new TokenizerGolden(golden).tokenizerFolder().resolve("tokenizer.json").toFile());
  }

  private void write(String golden, JsonNode tree) throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), tree.toString());
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"pad_token\": \"%s\"}".formatted(golden.equals("wan") ? "<pad>" : "<|endoftext|>"));
  }

  private static void set(JsonNode tree, String at, JsonNode value) {
    int last = at.lastIndexOf('/');
    JsonNode parent = tree.at(at.substring(0, last));
    String name = at.substring(last + 1).replace("~1", "/");
    if (parent instanceof ArrayNode list) {
      list.set(Integer.parseInt(name), value);
    } else {
      ((ObjectNode) parent).set(name, value);
    }
  }

  /** One change somewhere: a value swapped, dropped, repeated, or replaced. */
  private static void mutate(JsonNode tree, Random random) throws IOException {
    JsonNode at = tree;
    while (true) {
      List<String> names = new ArrayList<>();
      at.fieldNames().forEachRemaining(names::add);
      int choices = Math.max(at.size(), 1);
      int chosen = random.nextInt(choices);
      JsonNode child = at.isArray() ? at.get(chosen) : at.get(names.get(chosen));
      if (child.isContainerNode() && !child.isEmpty() && random.nextInt(5) > 0) {
        at = child;
        continue;
      }
      JsonNode value = replacement(child, random);
      if (at instanceof ArrayNode list) {
        switch (random.nextInt(3)) {
          case 0 -> list.remove(chosen);
          case 1 -> list.add(child);
          default -> list.set(chosen, value);
        }
      } else if (random.nextInt(3) == 0) {
        ((ObjectNode) at).remove(names.get(chosen));
      } else {
        ((ObjectNode) at).set(names.get(chosen), value);
      }
      return;
    }
  }

  private static JsonNode replacement(JsonNode old, Random random) throws IOException {
    if (old.isIntegralNumber() && random.nextBoolean()) {
      return JSON.readTree(Long.toString(old.longValue() + random.nextInt(5) - 2));
    }
    if (old.isBoolean() && random.nextBoolean()) {
      return JSON.readTree(Boolean.toString(!old.booleanValue()));
    }
    List<String> values =
        List.of(
            "0",
            "-1",
            "1",
            "3",
            "0.5",
            "1000000000",
            "18446744073709551615",
            "-1e308",
            "null",
            "true",
            "[]",
            "{}",
            "\"\"",
            "\" \"",
            "\"a\"",
            "\"▁\"",
            "\"<pad>\"",
            "\"</s>\"",
            "\"\\u0001\"",
            "[\"a\", 0]",
            "{\"type\": \"NFKC\"}",
            "{\"type\": \"StripAccents\"}",
            "{\"type\": \"WhitespaceSplit\"}",
            "{\"type\": \"Whitespace\"}",
            "{\"type\": \"Prepend\", \"prepend\": \"▁\"}",
            "{\"type\": \"Nmt\"}",
            "{\"type\": \"Strip\", \"strip_left\": true, \"strip_right\": true}",
            "{\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true}");
    return JSON.readTree(values.get(random.nextInt(values.size())));
  }
}
