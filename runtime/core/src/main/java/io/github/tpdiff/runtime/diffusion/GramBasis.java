package io.github.tpdiff.runtime.diffusion;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The eigenvectors of U Uᵀ along one axis.
 *
 * <p>Each block of places that U ties together is taken apart alone, so that the eigenvectors have
 * no more entries than a block has places: a few for nearest upsampling.
 *
 * @param vectors Q, an eigenvector in each column
 * @param values λ, as many
 */
record GramBasis(AxisMatrix vectors, List<Double> values) {
  GramBasis {
    values = List.copyOf(values);
  }

  /** The basis of an upsampling. */
  static GramBasis of(AxisMatrix up) {
    AxisMatrix gram = up.times(up.transpose());
    int size = gram.rows();
    var vectors = new AxisMatrix(size, size);
    var values = new ArrayList<Double>();
    for (List<Integer> block : blocks(gram)) {
      var own = new AxisMatrix(block.size(), block.size());
      for (int i = 0; i < block.size(); i++) {
        for (int j = 0; j < block.size(); j++) {
          own.set(i, j, gram.get(block.get(i), block.get(j)));
        }
      }
      var eigen = new SymmetricEigen(own);
      for (int k = 0; k < block.size(); k++) {
        for (int i = 0; i < block.size(); i++) {
          vectors.set(block.get(i), values.size(), eigen.vector(k, i));
        }
        values.add(eigen.value(k));
      }
    }
    return new GramBasis(vectors, values);
  }

  /** The places that non-zero entries tie together, directly or through others. */
  private static List<List<Integer>> blocks(AxisMatrix gram) {
    var blocks = new ArrayList<List<Integer>>();
    var seen = new boolean[gram.rows()];
    for (int first = 0; first < gram.rows(); first++) {
      if (seen[first]) {
        continue;
      }
      var block = new ArrayList<Integer>();
      var open = new ArrayDeque<Integer>(List.of(first));
      seen[first] = true;
      while (!open.isEmpty()) {
        int i = open.pop();
        block.add(i);
        for (int j = 0; j < gram.rows(); j++) {
          if (!seen[j] && gram.get(i, j) != 0) {
            seen[j] = true;
            open.push(j);
          }
        }
      }
      blocks.add(block.stream().sorted().toList());
    }
    return blocks;
  }

  /** The largest eigenvalue. */
  double largest() {
    return Collections.max(values);
  }
}
