package io.github.tpdiff.cli;

import io.github.tpdiff.runtime.diffusion.Sampler;
import io.github.tpdiff.runtime.diffusion.Samplers;
import java.util.Iterator;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The library's samplers as values of an option. */
final class SamplerNames implements Iterable<String> {
  @Override
  public Iterator<String> iterator() {
    return Samplers.names().iterator();
  }

  /** Reads a name. */
  static final class Reader implements ITypeConverter<Sampler> {
    @Override
    public Sampler convert(String name) {
      try {
        return Samplers.named(name);
      } catch (IllegalArgumentException unknown) {
        throw new TypeConversionException(String.valueOf(unknown.getMessage()));
      }
    }
  }
}
