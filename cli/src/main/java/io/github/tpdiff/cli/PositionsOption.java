package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.PositionRules;
import io.github.tpdiff.runtime.diffusion.PositionRules.PositionRule;
import io.github.tpdiff.runtime.diffusion.Words;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Rules of positions on the command line: one word, or one for each axis. */
final class PositionsOption implements ITypeConverter<PositionRules> {

  @Override
  public PositionRules convert(String text) {
    try {
      List<PositionRule> rules =
          Arrays.stream(text.split(",", -1)).map(new Words<>(PositionRule.class)::require).toList();
      if (rules.size() == 1) {
        return PositionRules.all(rules.get(0));
      }
      if (rules.size() == 3) {
        return new PositionRules(rules.get(0), rules.get(1), rules.get(2));
      }
    } catch (IllegalArgumentException wrong) {
      throw new TypeConversionException(wrong.getMessage());
    }
    throw new TypeConversionException(
        "expected one of scaled, native, or three of them, found '%s'".formatted(text));
  }
}
