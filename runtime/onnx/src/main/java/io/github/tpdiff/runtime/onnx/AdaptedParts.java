package io.github.tpdiff.runtime.onnx;

import static java.util.Objects.requireNonNull;

import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.model.Flow;
import io.github.tpdiff.runtime.model.ForwardingParts;
import io.github.tpdiff.runtime.model.PipelineParts;
import io.github.tpdiff.runtime.pipeline.ReadLoras;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An exported model with LoRAs, which are bound to its graphs when they have been loaded. */
final class AdaptedParts extends ForwardingParts {
  private final Optional<StageConfig> stages;
  private final Map<String, Map<String, Tensor>> adapters;

  private AdaptedParts(
      PipelineParts parts,
      Optional<StageConfig> stages,
      Map<String, Map<String, Tensor>> adapters) {
    super(parts);
    this.stages = stages;
    this.adapters = adapters;
  }

  /** A folder with LoRAs, whose closing closes the folder. */
  static PipelineParts of(ExportedFolder folder, ReadLoras loras, ReadLoras.Notes notes) {
    Flow flow = folder.description().flow();
    Map<String, AdaptableNetwork> networks = new HashMap<>();
    var adapters = new LinkedHashMap<String, Map<String, Tensor>>();
    loras
        .byDenoiser(
            flow,
            denoiser -> networks.computeIfAbsent(denoiser, name -> network(folder, name)).fit(),
            notes)
        .forEach(
            (denoiser, terms) ->
                adapters.putAll(requireNonNull(networks.get(denoiser)).values(terms)));
    return new AdaptedParts(folder, loras.stages(), adapters);
  }

  private static AdaptableNetwork network(ExportedFolder folder, String denoiser) {
    var graphs = new LinkedHashMap<String, GraphFile>();
    List<String> names = folder.description().flow().network(denoiser);
    names.stream()
        .filter(folder::has)
        .forEach(component -> graphs.put(component, folder.graph(component)));
    return new AdaptableNetwork(folder.origin(), graphs);
  }

  /** What the LoRAs were trained for, before what the folder was exported for. */
  @Override
  public Optional<StageConfig> madeFor() {
    return stages.or(super::madeFor);
  }

  @Override
  public Map<String, Tensor> adapter(String component) {
    return adapters.getOrDefault(component, Map.of());
  }
}
