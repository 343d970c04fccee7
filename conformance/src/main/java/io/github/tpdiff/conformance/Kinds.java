package io.github.tpdiff.conformance;

import io.github.tpdiff.conformance.files.FilesCase;
import io.github.tpdiff.conformance.golden.CaseKind;
import io.github.tpdiff.conformance.numerics.AdamWCase;
import io.github.tpdiff.conformance.numerics.AssignmentCase;
import io.github.tpdiff.conformance.numerics.HalfPrecisionCase;
import io.github.tpdiff.conformance.numerics.KaimingCase;
import io.github.tpdiff.conformance.numerics.RandomCase;
import io.github.tpdiff.conformance.wan.LoraForwardCase;
import io.github.tpdiff.conformance.wan.LoraTrainCase;
import io.github.tpdiff.conformance.wan.PipelineCase;
import io.github.tpdiff.conformance.wan.SchedulerCase;
import io.github.tpdiff.conformance.wan.TextEncoderCase;
import io.github.tpdiff.conformance.wan.TokenizerCase;
import io.github.tpdiff.conformance.wan.TransformerCase;
import io.github.tpdiff.conformance.wan.VaeCase;
import java.util.Map;
import java.util.Optional;

/** The kinds of cases that can be run, by family and kind. */
final class Kinds {
  private static final Map<String, CaseKind> KNOWN =
      Map.ofEntries(
          Map.entry("numerics/randn", new RandomCase()),
          Map.entry("numerics/assignment", new AssignmentCase()),
          Map.entry("numerics/adamw", new AdamWCase()),
          Map.entry("numerics/kaiming", new KaimingCase()),
          Map.entry("numerics/half_precision", new HalfPrecisionCase()),
          Map.entry("files/files", new FilesCase()),
          Map.entry("wan/tokenizer", new TokenizerCase()),
          Map.entry("wan/scheduler", new SchedulerCase()),
          Map.entry("wan/scheduler_original", new SchedulerCase()),
          Map.entry("wan/transformer_forward", new TransformerCase()),
          Map.entry("wan/transformer_forward_original", new TransformerCase()),
          Map.entry("wan/rope_positions", new TransformerCase()),
          Map.entry("wan/vae", new VaeCase()),
          Map.entry("wan/vae_original", new VaeCase()),
          Map.entry("wan/text_encoder", new TextEncoderCase()),
          Map.entry("wan/text_encoder_original", new TextEncoderCase()),
          Map.entry("wan/lora_forward", new LoraForwardCase()),
          Map.entry("wan/lora_train", new LoraTrainCase()),
          Map.entry("wan/pipeline", new PipelineCase()));

  private Kinds() {}

  static Optional<CaseKind> find(String family, String kind) {
    return Optional.ofNullable(KNOWN.get(family + "/" + kind));
  }
}
