package io.github.tpdiff.runtime.model;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import io.github.tpdiff.runtime.diffusion.NoiseLevels;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Noise levels as people write them: {@code [1, 0.9]}, or {@code [[1, 0.9], [0.8], [0.6]]}. */
final class NoiseLevelsJson {
  /** What is expected, for errors. */
  static final String EXPECTED =
      "numbers such as [1, 0.9], or lists of them for each stage such as [[1, 0.9], [0.6]]";

  private NoiseLevelsJson() {}

  static SimpleModule module() {
    return new SimpleModule("noise levels")
        .addSerializer(new Writer())
        .addDeserializer(NoiseLevels.class, new Reader());
  }

  private static final class Writer extends StdSerializer<NoiseLevels> {
    private static final long serialVersionUID = 1;

    Writer() {
      super(NoiseLevels.class);
    }

    @Override
    public void serialize(NoiseLevels value, JsonGenerator out, SerializerProvider provider)
        throws IOException {
      List<List<Double>> lists = value.lists();
      provider.defaultSerializeValue(lists.size() == 1 ? lists.get(0) : lists, out);
    }
  }

  private static final class Reader extends StdDeserializer<NoiseLevels> {
    private static final long serialVersionUID = 1;

    Reader() {
      super(NoiseLevels.class);
    }

    @Override
    public NoiseLevels deserialize(JsonParser parser, DeserializationContext context)
        throws IOException {
      JsonNode node = context.readTree(parser);
      try {
        if (node.isArray() && !node.isEmpty() && node.get(0).isArray()) {
          var lists = new ArrayList<List<Double>>();
          for (JsonNode list : node) {
            lists.add(numbers(list, context));
          }
          return new NoiseLevels(lists);
        }
        return NoiseLevels.of(numbers(node, context));
      } catch (IllegalArgumentException wrong) {
        throw JsonMappingException.from(parser, wrong.getMessage(), wrong);
      }
    }

    private List<Double> numbers(JsonNode list, DeserializationContext context) throws IOException {
      var numbers = new ArrayList<Double>();
      boolean isList = list.isArray();
      for (JsonNode number : list) {
        isList &= number.isNumber();
        numbers.add(number.doubleValue());
      }
      return isList ? numbers : context.reportInputMismatch(this, "expected %s", EXPECTED);
    }
  }
}
