package io.github.tpdiff.runtime.model;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import io.github.tpdiff.runtime.diffusion.GridAxis;
import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.Words;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Rules of positions as people write them: one word, or one each for time, height and width. */
final class PositionRulesJson {
  /** What is expected, for errors. */
  static final String EXPECTED = "scaled or native, or three of them";

  private PositionRulesJson() {}

  static SimpleModule module() {
    return new SimpleModule("positions")
        .addSerializer(new Writer())
        .addDeserializer(PositionRules.class, new Reader());
  }

  private static final class Writer extends StdSerializer<PositionRules> {
    private static final long serialVersionUID = 1;

    Writer() {
      super(PositionRules.class);
    }

    @Override
    public void serialize(PositionRules value, JsonGenerator out, SerializerProvider provider)
        throws IOException {
      if (value.isUniform()) {
        out.writeString(Words.of(value.time()));
        return;
      }
      out.writeStartArray();
      for (GridAxis axis : GridAxis.values()) {
        out.writeString(Words.of(value.along(axis)));
      }
      out.writeEndArray();
    }
  }

  private static final class Reader extends StdDeserializer<PositionRules> {
    private static final long serialVersionUID = 1;

    Reader() {
      super(PositionRules.class);
    }

    @Override
    public PositionRules deserialize(JsonParser parser, DeserializationContext context)
        throws IOException {
      JsonNode node = context.readTree(parser);
      var rules = new ArrayList<PositionRule>();
      for (JsonNode word : node.isArray() ? node : List.of(node)) {
        Optional.of(word)
            .filter(JsonNode::isTextual)
            .flatMap(text -> new Words<>(PositionRule.class).find(text.textValue()))
            .ifPresent(rules::add);
      }
      if (node.isArray() && node.size() == 3 && rules.size() == 3) {
        return new PositionRules(rules.get(0), rules.get(1), rules.get(2));
      }
      if (!node.isArray() && rules.size() == 1) {
        return PositionRules.all(rules.get(0));
      }
      return context.reportInputMismatch(this, "expected %s", EXPECTED);
    }
  }
}
