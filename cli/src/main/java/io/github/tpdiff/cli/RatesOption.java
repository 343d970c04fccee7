package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.GridFactor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Rates on the command line: {@code 2} of frames, {@code 2x2x2} of frames, rows and columns. */
public final class RatesOption implements ITypeConverter<GridFactor> {

  /**
   * The rates of a whole plan, such as {@code 2x2x2,2x2x2}.
   *
   * @throws IllegalArgumentException if a text says none, naming the option
   */
  public static List<GridFactor> plan(String text) {
    try {
      return Arrays.stream(text.split(",", -1)).map(RatesOption::rate).toList();
    } catch (IllegalArgumentException wrong) {
      throw new IllegalArgumentException("--rates: " + wrong.getMessage(), wrong);
    }
  }

  @Override
  public GridFactor convert(String text) {
    try {
      return rate(text);
    } catch (IllegalArgumentException wrong) {
      throw new TypeConversionException(wrong.getMessage());
    }
  }

  private static GridFactor rate(String text) {
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
      throw new IllegalArgumentException(expected(text), wrong);
    }
    throw new IllegalArgumentException(expected(text));
  }

  private static String expected(String text) {
    return "expected a rate such as 2, or 2x2x2 of frames, rows and columns, found '%s'"
        .formatted(text);
  }

  /** How the rates of a whole plan are said on the command line. */
  public static String text(List<GridFactor> rates) {
    return rates.stream().map(GridFactor::crossed).collect(Collectors.joining(","));
  }
}
