package io.github.tpdiff.lora;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.layout.Contents;
import io.github.tpdiff.weights.layout.FoundNetwork;
import io.github.tpdiff.weights.layout.Layout;
import io.github.tpdiff.weights.lora.LoraPair;
import io.github.tpdiff.weights.lora.LoraWeights;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ObjIntConsumer;
import java.util.random.RandomGenerator;
import org.ejml.data.DMatrixRMaj;

/**
 * The LoRA that comes nearest to the difference of two checkpoints: in each linear layer the
 * largest singular values of what changed.
 */
public final class LoraExtraction {

  private static final String WEIGHT = ".weight";

  /**
   * What to extract.
   *
   * @param rank of every module; smaller layers get their smaller dimension
   * @param random for the subspaces' starts; the same gives the same LoRA
   * @param progress told how many tensors are done, and of which module the next is
   */
  public record Request(int rank, RandomGenerator random, ObjIntConsumer<String> progress) {

    /**
     * @throws CheckpointException when the rank is below 1
     */
    public Request {
      if (rank < 1) {
        throw new CheckpointException("expected a rank of at least 1, found " + rank);
      }
    }
  }

  /**
   * A LoRA and what it leaves out.
   *
   * @param error norm of the difference that the LoRA does not give over that of the whole, in the
   *     layers it changes
   * @param leftOut tensors that differ and that no LoRA of linear layers can change
   */
  public record Extracted(LoraWeights weights, double error, List<String> leftOut) {}

  private final Request request;
  private final Map<String, LoraPair> pairs = new LinkedHashMap<>();
  private final List<String> leftOut = new ArrayList<>();
  private int done;
  private double squares;
  private double squaresLeft;

  private LoraExtraction(Request request) {
    this.request = request;
  }

  /**
   * Extracts the difference of {@code tuned} from {@code base}, in whatever layouts both are; one
   * layer at a time is in memory.
   *
   * @throws CheckpointException when they are not the same network, hold other shapes, or are equal
   */
  public static Extracted of(TensorSource base, TensorSource tuned, Request request) {
    TensorSource from = network(base);
    TensorSource to = network(tuned);
    LoraExtraction extraction = new LoraExtraction(request);
    for (String name : from.names()) {
      extraction.add(from, to, name);
      extraction.done++;
    }
    to.names().stream().filter(name -> from.find(name).isEmpty()).forEach(extraction.leftOut::add);
    if (extraction.pairs.isEmpty()) {
      throw new CheckpointException(
          "%s and %s: expected linear layers that differ, found none"
              .formatted(base.origin(), tuned.origin()));
    }
    return new Extracted(
        new LoraWeights(
            LoraWeights.componentOf(extraction.pairs.keySet()),
            extraction.pairs,
            LoraModels.trainedFor(tuned.metadata())),
        Math.sqrt(extraction.squaresLeft / extraction.squares),
        extraction.leftOut);
  }

  /** The denoiser's tensors under diffusers' names; all tensors where none is known. */
  private static TensorSource network(TensorSource source) {
    Optional<FoundNetwork> found = Contents.of(source.names()).networks().stream().findFirst();
    return found.map(network -> network.as(Layout.DIFFUSERS, source)).orElse(source);
  }

  private void add(TensorSource base, TensorSource tuned, String name) {
    TensorInfo info = base.require(name);
    TensorInfo other = tuned.require(name);
    if (!info.shape().equals(other.shape())) {
      throw new CheckpointException(
          "%s: tensor '%s': expected %s as in %s, found %s"
              .formatted(tuned.origin(), name, info.shape(), base.origin(), other.shape()));
    }
    if (!info.dtype().isFloating() || !other.dtype().isFloating()) {
      return;
    }
    float[] before = base.floats(name);
    float[] after = tuned.floats(name);
    boolean linear = info.shape().size() == 2 && name.endsWith(WEIGHT);
    double norm = 0;
    DMatrixRMaj change =
        linear
            ? new DMatrixRMaj(
                Math.toIntExact(info.shape().get(0)), Math.toIntExact(info.shape().get(1)))
            : new DMatrixRMaj(1, 1);
    for (int i = 0; i < before.length; i++) {
      double difference = (double) after[i] - before[i];
      norm += difference * difference;
      if (linear) {
        change.data[i] = difference;
      }
    }
    if (norm == 0) {
      return;
    }
    if (!Double.isFinite(norm)) {
      throw new CheckpointException(
          "%s: tensor '%s': expected finite numbers, found others".formatted(tuned.origin(), name));
    }
    if (!linear) {
      leftOut.add(name);
      return;
    }
    String module = name.substring(0, name.length() - WEIGHT.length());
    request.progress().accept(module, done);
    int rank = Math.min(request.rank(), Math.min(change.numRows, change.numCols));
    LowRank low = LowRank.of(change, rank, request.random());
    pairs.put(module, LoraPair.ofAlpha(rank, rank, low.right(), low.left()));
    squares += norm;
    squaresLeft += norm * low.relativeError() * low.relativeError();
  }
}
