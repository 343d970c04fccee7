package io.github.tpdiff.cli;

import io.github.tpdiff.evaluation.metric.FeatureInput;
import io.github.tpdiff.evaluation.metric.I3d;
import io.github.tpdiff.evaluation.metric.VideoSet.Captions;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Downsampling;
import io.github.tpdiff.runtime.diffusion.FrameResampling.Upsampling;
import io.github.tpdiff.runtime.diffusion.Samplers;
import io.github.tpdiff.runtime.diffusion.StageConfig.Ends;
import io.github.tpdiff.runtime.diffusion.StageConfig.TargetScale;
import io.github.tpdiff.runtime.diffusion.StageConfig.Targets;
import io.github.tpdiff.runtime.diffusion.StagePlanner.Boundaries;
import io.github.tpdiff.runtime.diffusion.Words;
import io.github.tpdiff.runtime.picture.PictureGeometry;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** An option's value that the library has a word for: the words there are, and what each means. */
abstract class WordOption<T> implements ITypeConverter<T>, Iterable<String> {
  private final List<String> words;
  private final Function<String, T> parser;

  private WordOption(List<String> words, Function<String, T> parser) {
    this.words = words;
    this.parser = parser;
  }

  private static <E extends Enum<E>> Function<String, E> parser(Class<E> type) {
    return new Words<>(type)::require;
  }

  @Override
  public Iterator<String> iterator() {
    return words.iterator();
  }

  @Override
  public T convert(String word) {
    try {
      return parser.apply(word);
    } catch (IllegalArgumentException unknown) {
      throw new TypeConversionException(String.valueOf(unknown.getMessage()));
    }
  }

  /** Solvers, by their names. */
  static final class OfSampler extends WordOption<String> {
    OfSampler() {
      super(Samplers.names(), OfSampler::known);
    }

    private static String known(String name) {
      Samplers.named(name);
      return name;
    }
  }

  /** How frames are dropped. */
  static final class OfDownsampling extends WordOption<Downsampling> {
    OfDownsampling() {
      super(new Words<>(Downsampling.class).all(), parser(Downsampling.class));
    }
  }

  /** How frames are repeated. */
  static final class OfUpsampling extends WordOption<Upsampling> {
    OfUpsampling() {
      super(new Words<>(Upsampling.class).all(), parser(Upsampling.class));
    }
  }

  /** How pictures come to a video's size. */
  static final class OfPictureGeometry extends WordOption<PictureGeometry> {
    OfPictureGeometry() {
      super(new Words<>(PictureGeometry.class).all(), parser(PictureGeometry.class));
    }
  }

  /** Where stages begin. */
  static final class OfBoundaries extends WordOption<Boundaries> {
    OfBoundaries() {
      super(new Words<>(Boundaries.class).all(), parser(Boundaries.class));
    }
  }

  /** The time in which a velocity is measured. */
  static final class OfTargetScale extends WordOption<TargetScale> {
    OfTargetScale() {
      super(new Words<>(TargetScale.class).all(), parser(TargetScale.class));
    }
  }

  /** How far stages go. */
  static final class OfEnds extends WordOption<Ends> {
    OfEnds() {
      super(new Words<>(Ends.class).all(), parser(Ends.class));
    }
  }

  /** What stages reach. */
  static final class OfTargets extends WordOption<Targets> {
    OfTargets() {
      super(new Words<>(Targets.class).all(), parser(Targets.class));
    }
  }

  /** How frames come to I3D. */
  static final class OfI3dPreparation extends WordOption<I3d.Preparation> {
    OfI3dPreparation() {
      super(
          new Words<>(I3d.Preparation.class)
              .all().stream().map(OfI3dPreparation::hyphened).toList(),
          word -> new Words<>(I3d.Preparation.class).require(word.replace('-', '_')));
    }

    private static String hyphened(String word) {
      return word.replace('_', '-');
    }
  }

  /** What a network of features takes. */
  static final class OfFeatureInput extends WordOption<FeatureInput> {
    OfFeatureInput() {
      super(List.of(), FeatureInput::parse);
    }
  }

  /** Where captions of videos are. */
  static final class OfCaptions extends WordOption<Captions> {
    OfCaptions() {
      super(new Words<>(Captions.class).all(), parser(Captions.class));
    }
  }
}
