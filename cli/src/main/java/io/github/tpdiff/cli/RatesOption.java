package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.GridFactor;
import java.util.ArrayList;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Rates on the command line: {@code 2} of frames, {@code 2x2x2} of frames, rows and columns. */
final class RatesOption implements ITypeConverter<GridFactor> {

  @Override
  public GridFactor convert(String text) {
    var rates = new ArrayList<Integer>();
    try {
      for (String part : text.split("x", -1)) {
        rates.add(Integer.valueOf(part));
      }
      if (rates.size() == 1) {
        return GridFactor.ofTime(rates.get(0));
      }
      if (rates.size() == 3) {
        return new GridFactor(rates.get(0), rates.get(1), rates.get(2));
      }
    } catch (IllegalArgumentException wrong) {
      throw new TypeConversionException(expected(text));
    }
    throw new TypeConversionException(expected(text));
  }

  private static String expected(String text) {
    return "expected a rate such as 2, or 2x2x2 of frames, rows and columns, found '%s'"
        .formatted(text);
  }

  /** How rates are said on the command line. */
  static String text(GridFactor rates) {
    return rates.isOfTimeAlone()
        ? "" + rates.time()
        : "%dx%dx%d".formatted(rates.time(), rates.height(), rates.width());
  }
}
