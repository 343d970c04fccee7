package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.text.Tokenizer;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** A model with other components or described otherwise. */
record ChangedModel(
    VideoModel model, Map<Role, Component> components, PipelineDescription description)
    implements VideoModel {
  ChangedModel {
    var copied = new EnumMap<Role, Component>(Role.class);
    copied.putAll(components);
    components = Collections.unmodifiableMap(copied);
  }

  @Override
  public Tokenizer tokenizer() {
    return model.tokenizer();
  }

  @Override
  public Path tokenizerFolder() {
    return model.tokenizerFolder();
  }

  @Override
  public List<String> defaultLoraTargets() {
    return model.defaultLoraTargets();
  }

  @Override
  public void close() {
    model.close();
  }
}
