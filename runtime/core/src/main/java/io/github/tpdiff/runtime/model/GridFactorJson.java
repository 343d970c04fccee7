package io.github.tpdiff.runtime.model;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import io.github.tpdiff.runtime.diffusion.GridFactor;
import java.io.IOException;

/** Rates as people write them: {@code 2} over time alone, else {@code [2, 2, 2]}. */
final class GridFactorJson {
  /** What is expected, for errors. */
  static final String EXPECTED = "an integer, or three such as [2, 2, 2]";

  private GridFactorJson() {}

  static SimpleModule module() {
    return new SimpleModule("rates")
        .addSerializer(new Writer())
        .addDeserializer(GridFactor.class, new Reader());
  }

  private static final class Writer extends StdSerializer<GridFactor> {
    private static final long serialVersionUID = 1;

    Writer() {
      super(GridFactor.class);
    }

    @Override
    public void serialize(GridFactor value, JsonGenerator out, SerializerProvider provider)
        throws IOException {
      if (value.isOfTimeAlone()) {
        out.writeNumber(value.time());
      } else {
        out.writeArray(new int[] {value.time(), value.height(), value.width()}, 0, 3);
      }
    }
  }

  private static final class Reader extends StdDeserializer<GridFactor> {
    private static final long serialVersionUID = 1;

    Reader() {
      super(GridFactor.class);
    }

    @Override
    public GridFactor deserialize(JsonParser parser, DeserializationContext context)
        throws IOException {
      JsonNode node = context.readTree(parser);
      try {
        if (node.isInt()) {
          return GridFactor.ofTime(node.intValue());
        }
        if (node.isArray()
            && node.size() == 3
            && node.get(0).isInt()
            && node.get(1).isInt()
            && node.get(2).isInt()) {
          return new GridFactor(node.get(0).asInt(), node.get(1).asInt(), node.get(2).asInt());
        }
      } catch (IllegalArgumentException outOfRange) {
        throw ValueInstantiationException.from(
            parser, outOfRange.getMessage(), context.constructType(GridFactor.class), outOfRange);
      }
      return context.reportInputMismatch(this, "expected %s", EXPECTED);
    }
  }
}
