package io.github.tpdiff.runtime.model;

import com.google.common.base.Equivalence;
import io.github.tpdiff.runtime.cost.CostModel;
import io.github.tpdiff.runtime.cost.FrozenBytes;
import io.github.tpdiff.runtime.cost.WeightSizes;
import io.github.tpdiff.runtime.diffusion.LatentShape;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.engine.Executable;
import io.github.tpdiff.runtime.text.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** The components of an opened checkpoint, each lowered and loaded when it is asked for. */
record LoadedModel(VideoModel model, Engine engine) implements PipelineParts {
  @Override
  public ModelDescription description() {
    return model.description();
  }

  @Override
  public Optional<StageConfig> madeFor() {
    return model.trainedStages();
  }

  @Override
  public Set<String> components() {
    return model.components().keySet();
  }

  /** The folder that has all files of the model. */
  @Override
  public String origin() {
    List<Path> files =
        model.components().values().stream()
            .map(component -> Path.of(component.weights().origin()).toAbsolutePath().getParent())
            .filter(Objects::nonNull)
            .toList();
    if (files.isEmpty()) {
      return description().family();
    }
    Path common = files.get(0);
    for (Path file : files) {
      while (common.getParent() != null && !file.startsWith(common)) {
        common = common.getParent();
      }
    }
    return common.toString();
  }

  @Override
  public Executable load(String name) {
    Component component = model.require(name);
    return engine.load(component.program(), component.weights());
  }

  @Override
  public long bytes(String name) {
    Component component = model.require(name);
    var sizes = WeightSizes.held(component.weights());
    return FrozenBytes.of(component.program(), sizes, Set.of()).all();
  }

  /** A component that no LoRA changed is the very same value in both models. */
  private record Loaded(
      Equivalence.Wrapper<Engine> engine, Equivalence.Wrapper<Component> component) {}

  @Override
  public Object identity(String name) {
    return new Loaded(
        Equivalence.identity().wrap(engine), Equivalence.identity().wrap(model.require(name)));
  }

  @Override
  public boolean allows(String denoiser, LatentShape shape) {
    Component component = model.require(denoiser);
    var cost = new CostModel(component.program(), WeightSizes.of(component.weights()));
    return engine.allows(
        cost.price(NetworkInputs.shapes(component.program(), description().flow(), shape))
            .peakBytes());
  }

  @Override
  public boolean batchesPay() {
    return engine.batchesPay();
  }

  @Override
  public Tokenizer tokenizer(String name) {
    return model.tokenizers().get(name);
  }

  @Override
  public void close() {}
}
