package io.github.tpdiff.runtime.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** A tokenizer case: texts, and the ids that the published Python implementation gave them. */
final class TokenizerGolden {
  private final Path folder;
  private final JsonNode args;
  private final JsonNode header;
  private final ByteBuffer tensors;

  TokenizerGolden(String family) {
    try {
      var url = Objects.requireNonNull(getClass().getResource("/goldens/" + family + "/tokenizer"));
      folder = Path.of(url.toURI());
      args = new ObjectMapper().readTree(folder.resolve("case.json").toFile()).get("args");
      var file = ByteBuffer.wrap(Files.readAllBytes(folder.resolve("io.safetensors")));
      byte[] json = new byte[(int) file.order(ByteOrder.LITTLE_ENDIAN).getLong()];
      header = new ObjectMapper().readTree(new String(read(file, json), StandardCharsets.UTF_8));
      tensors = file.slice().order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException | URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static byte[] read(ByteBuffer file, byte[] bytes) {
    file.get(bytes);
    return bytes;
  }

  Path tokenizerFolder() {
    return folder.resolve("tokenizer");
  }

  int maxLength() {
    return args.get("max_length").asInt();
  }

  List<String> texts(String name) {
    var texts = new ArrayList<String>();
    args.get(name).forEach(text -> texts.add(text.textValue()));
    return texts;
  }

  long[][] ids(String name) {
    var entry = header.get(name);
    int rows = entry.get("shape").get(0).asInt();
    int columns = entry.get("shape").get(1).asInt();
    var buffer = tensors.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    buffer.position(entry.get("data_offsets").get(0).asInt());
    var ids = new long[rows][columns];
    for (long[] row : ids) {
      for (int i = 0; i < columns; i++) {
        row[i] = buffer.getLong();
      }
    }
    return ids;
  }
}
