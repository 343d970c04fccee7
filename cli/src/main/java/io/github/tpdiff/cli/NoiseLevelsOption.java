package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.NoiseLevels;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Noise levels on the command line: {@code 1,0.94,0.8}, or {@code 1,0.94/0.8/0.6} of stages. */
final class NoiseLevelsOption implements ITypeConverter<NoiseLevels> {
  @Override
  public NoiseLevels convert(String text) {
    try {
      return NoiseLevels.parse(text);
    } catch (IllegalArgumentException wrong) {
      throw new TypeConversionException(wrong.getMessage());
    }
  }
}
