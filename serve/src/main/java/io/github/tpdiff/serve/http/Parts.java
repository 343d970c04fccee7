package io.github.tpdiff.serve.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.tpdiff.serve.http.Refusal.Kind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.eclipse.jetty.http.MultiPart;
import org.eclipse.jetty.http.MultiPartConfig;
import org.eclipse.jetty.http.MultiPartFormData;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.util.Attributes;
import org.eclipse.jetty.util.BufferUtil;

/**
 * A form of several parts.
 *
 * @param texts by name
 * @param files by name; what their sender calls them is not read
 */
public record Parts(Map<String, String> texts, Map<String, byte[]> files) {
  private static final int MOST_PARTS = 64;
  private static final int MOST_HEADER_BYTES = 4096;

  public Parts {
    texts = Map.copyOf(texts);
    files = Map.copyOf(files);
  }

  /**
   * Reads a body.
   *
   * @param type its media type, with the boundary of its parts
   * @throws Refusal if it is no such form, or has a name twice
   */
  public static Parts read(byte[] body, String type) {
    if (MultiPart.extractBoundary(type) == null) {
      throw Refusal.of(Kind.INVALID, "Content-Type: expected a boundary, found none");
    }
    MultiPartConfig bounds =
        new MultiPartConfig.Builder()
            .maxParts(MOST_PARTS)
            .maxHeadersSize(MOST_HEADER_BYTES)
            .maxSize(body.length)
            .maxPartSize(body.length)
            .maxMemoryPartSize(body.length) // nothing of it is written to a file
            .build();
    var texts = new LinkedHashMap<String, String>();
    var files = new LinkedHashMap<String, byte[]>();
    try (MultiPartFormData.Parts parts =
        MultiPartFormData.getParts(
            Content.Source.from(ByteBuffer.wrap(body)), new Attributes.Mapped(), type, bounds)) {
      for (MultiPart.Part part : parts) {
        String name = Optional.ofNullable(part.getName()).orElse("");
        if (texts.containsKey(name) || files.containsKey(name)) {
          throw Refusal.of(Kind.INVALID, name, name + ": expected it once, found it twice");
        }
        if (part.getFileName() == null) {
          texts.put(name, part.getContentAsString(UTF_8));
        } else {
          files.put(name, bytes(part));
        }
      }
    } catch (Refusal refusal) {
      throw refusal;
    } catch (RuntimeException broken) {
      throw Refusal.of(Kind.INVALID, "body: expected multipart/form-data, found other bytes");
    }
    return new Parts(texts, files);
  }

  private static byte[] bytes(MultiPart.Part part) {
    try {
      return BufferUtil.toArray(Content.Source.asByteBuffer(part.getContentSource()));
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
  }
}
