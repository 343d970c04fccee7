package io.github.tpdiff.evaluation.metric;

import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.text.TokenBatch;
import io.github.tpdiff.runtime.text.Tokenizer;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Unit features of texts by CLIP's text encoder, each computed once. */
final class TextFeatures {
  /** Tokens that CLIP reads, its first and last included. */
  private static final int TOKENS = 77;

  private final NetworkFile network;
  private final Tokenizer tokenizer;
  private final Map<String, FeatureRows> known = new HashMap<>();
  private int cut;

  /**
   * @param network ids [1, 77] to [1, D]; a second input takes the mask
   */
  TextFeatures(NetworkFile network, Tokenizer tokenizer) {
    this.network = network;
    this.tokenizer = tokenizer;
  }

  FeatureRows of(String text) {
    return known.computeIfAbsent(text, this::computed);
  }

  /** Texts of which CLIP reads only the beginning. */
  int cut() {
    return cut;
  }

  private FeatureRows computed(String text) {
    cut += tokenizer.length(text) > TOKENS ? 1 : 0;
    TokenBatch tokens = tokenizer.encode(List.of(text), TOKENS);
    Tensor ids = Tensor.ofLongs(tokens.inputIds()[0], 1, TOKENS);
    Tensor mask = Tensor.ofLongs(tokens.attentionMask()[0], 1, TOKENS);
    var named = new HashMap<String, Tensor>();
    for (String input : network.inputNames()) {
      if (input.toLowerCase(Locale.ROOT).contains("mask")) {
        named.put(input, mask);
      }
    }
    float[] row = network.row(network.run(named, ids));
    return new FeatureRows(row, row.length).normalised();
  }
}
