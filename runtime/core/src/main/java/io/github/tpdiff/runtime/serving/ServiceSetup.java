package io.github.tpdiff.runtime.serving;

import static com.google.common.base.Preconditions.checkArgument;
import static java.util.Objects.requireNonNull;

import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.weights.NearestName;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a service makes videos with.
 *
 * @param devices the models of each, by name; each makes one video at a time
 * @param loras by name
 * @param limits what it holds at most
 */
public record ServiceSetup(
    List<Map<String, ModelOpener>> devices, Map<String, LoraChoice> loras, ServiceLimits limits) {
  /**
   * @throws IllegalArgumentException if there is no device, or one without a model
   */
  public ServiceSetup {
    devices =
        devices.stream()
            .map(models -> Collections.unmodifiableMap(new LinkedHashMap<>(models)))
            .toList();
    loras = Collections.unmodifiableMap(new LinkedHashMap<>(loras));
    checkArgument(!devices.isEmpty(), "devices: expected at least one, found none");
    checkArgument(
        devices.stream().noneMatch(Map::isEmpty), "models: expected at least one, found none");
  }

  /** Models on one device, without LoRAs, as much of them in memory as this machine allows. */
  public static ServiceSetup of(Map<String, ModelOpener> models) {
    return new ServiceSetup(List.of(models), Map.of(), ServiceLimits.ofThisMachine());
  }

  public ServiceSetup withLoras(Map<String, LoraChoice> others) {
    return new ServiceSetup(devices, others, limits);
  }

  public ServiceSetup withLimits(ServiceLimits others) {
    return new ServiceSetup(devices, loras, others);
  }

  /** The names of the models. */
  public Set<String> models() {
    var names = new LinkedHashSet<String>();
    devices.forEach(models -> names.addAll(models.keySet()));
    return Collections.unmodifiableSet(names);
  }

  /**
   * The LoRAs of an order, its request's own first.
   *
   * @throws IllegalArgumentException if a name stands for nothing, with the nearest that does
   */
  List<LoraChoice> loras(VideoOrder order) {
    requireModel(order.model());
    var chosen = new ArrayList<>(order.request().loras());
    for (NamedLora lora : order.loras()) {
      requireKnown("lora", lora.name(), loras.keySet());
      chosen.add(lora.in(requireNonNull(loras.get(lora.name()))));
    }
    return List.copyOf(chosen);
  }

  /**
   * Checks that there is a model.
   *
   * @throws IllegalArgumentException if not, with the nearest that there is
   */
  void requireModel(String name) {
    requireKnown("model", name, models());
  }

  private static void requireKnown(String kind, String name, Collection<String> known) {
    checkArgument(
        known.contains(name),
        "%s: expected %s, found '%s'%s",
        kind,
        known.isEmpty() ? "none, as this service has none" : "one of " + known,
        name,
        NearestName.of(name, known).map(near -> "; the nearest is '" + near + "'").orElse(""));
  }
}
