package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDArray;
import io.github.tpdiff.runtime.optim.Adafactor;
import io.github.tpdiff.runtime.optim.AdamW;
import io.github.tpdiff.runtime.optim.AdamW8bit;
import io.github.tpdiff.runtime.optim.DynamicCode;
import io.github.tpdiff.runtime.optim.Lion;
import io.github.tpdiff.runtime.optim.OptimizerKind;
import io.github.tpdiff.runtime.optim.Prodigy;
import io.github.tpdiff.runtime.optim.ProdigyEstimate;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What each kind of optimizer asks of {@link OptimizerScript} in a step. */
interface OptimizerStep {
  /**
   * A weight to be moved.
   *
   * @param value changed in place
   * @param gradient of the step
   */
  record Weight(String name, NDArray value, NDArray gradient) {}

  /**
   * Moves weights that have one rate.
   *
   * @param number of the step, from 1
   */
  void move(List<Weight> weights, int number, double rate);

  /** What is remembered on the host. */
  default Optional<TensorSource> onHost() {
    return Optional.empty();
  }

  /**
   * The steps of a kind.
   *
   * @param state that it goes on from; without tensors at the start
   */
  static OptimizerStep of(
      OptimizerKind kind, TorchRemembered remembered, OptimizerCalls calls, TensorSource state) {
    var on = new Tensors(remembered, calls);
    if (kind instanceof AdamW8bit coded) {
      return new Coded(
          coded.numbers(),
          on,
          calls.hold(DynamicCode.signed()),
          calls.hold(DynamicCode.unsigned()));
    }
    if (kind instanceof Adafactor adafactor) {
      return (weights, number, rate) -> on.adafactor(weights, adafactor.step(number, rate));
    }
    if (kind instanceof Prodigy prodigy) {
      return new Estimated(
          prodigy,
          on,
          state.names().isEmpty() ? ProdigyEstimate.first(prodigy) : ProdigyEstimate.read(state));
    }
    if (kind instanceof Lion lion) {
      return (weights, number, rate) ->
          on.run(OptimizerScript.LION, lion.step(rate).numbers(), weights, Lion.MEAN);
    }
    AdamW adamW = (AdamW) kind;
    return (weights, number, rate) -> on.adamW(weights, adamW.step(number, rate));
  }

  /** Weights with what is remembered of them. */
  record Tensors(TorchRemembered remembered, OptimizerCalls calls) {
    /** Value and gradient of each weight, and what is remembered of it under these prefixes. */
    private List<NDArray> of(List<Weight> weights, String... prefixes) {
      var all = new ArrayList<NDArray>();
      for (Weight weight : weights) {
        all.add(weight.value());
        all.add(weight.gradient());
        for (String prefix : prefixes) {
          all.add(remembered.array(prefix + weight.name()));
        }
      }
      return all;
    }

    void run(String method, float[] numbers, List<Weight> weights, String... prefixes) {
      calls.run(method, numbers, of(weights, prefixes));
    }

    void adamW(List<Weight> weights, AdamW.Step step) {
      run(OptimizerScript.ADAMW, step.numbers(), weights, AdamW.MEAN, AdamW.SQUARE);
    }

    void adafactor(List<Weight> weights, Adafactor.Step step) {
      var matrices = new ArrayList<Weight>();
      var vectors = new ArrayList<Weight>();
      for (Weight weight : weights) {
        var shape = TorchRemembered.info(weight.name(), weight.value()).shape();
        (Adafactor.isFactored(shape) ? matrices : vectors).add(weight);
      }
      float[] numbers = step.numbers();
      run(OptimizerScript.ADAFACTOR, numbers, matrices, Adafactor.ROWS, Adafactor.COLUMNS);
      run(OptimizerScript.ADAFACTOR_VECTOR, numbers, vectors, Adafactor.SQUARE);
    }
  }

  /** AdamW in eight bits, and in 32 where a tensor is small. */
  record Coded(AdamW numbers, Tensors on, NDArray signed, NDArray unsigned)
      implements OptimizerStep {
    @Override
    public void move(List<Weight> weights, int number, double rate) {
      AdamW.Step step = numbers.step(number, rate);
      on.adamW(weights.stream().filter(weight -> !isCoded(weight)).toList(), step);
      List<Weight> coded = weights.stream().filter(Coded::isCoded).toList();
      List<NDArray> tensors =
          on.of(coded, AdamW.MEAN, AdamW8bit.MEAN_SCALE, AdamW.SQUARE, AdamW8bit.SQUARE_SCALE);
      if (!coded.isEmpty()) {
        on.calls()
            .run(
                OptimizerScript.ADAMW_8BIT,
                step.numbers(),
                Stream.concat(Stream.of(signed, unsigned), tensors.stream()).toList());
      }
    }

    private static boolean isCoded(Weight weight) {
      return AdamW8bit.isCoded(weight.value().size());
    }
  }

  /** Prodigy, whose estimate is on the host: two sums come there in a step. */
  final class Estimated implements OptimizerStep {
    private final Prodigy kind;
    private final Tensors on;
    private ProdigyEstimate estimate;

    Estimated(Prodigy kind, Tensors on, ProdigyEstimate estimate) {
      this.kind = kind;
      this.on = on;
      this.estimate = estimate;
    }

    @Override
    public void move(List<Weight> weights, int number, double rate) {
      List<NDArray> tensors =
          on.of(weights, Prodigy.MEAN, Prodigy.SQUARE, Prodigy.SUM, Prodigy.START);
      float[] numbers = estimate.gather(kind, rate).numbers();
      double[] sums = on.calls().numbers(OptimizerScript.PRODIGY_GATHER, numbers, tensors);
      estimate
          .found(kind, rate, sums[0], sums[1])
          .ifPresent(
              found -> {
                estimate = found.estimate();
                var moved = new ArrayList<NDArray>();
                for (Weight weight : weights) {
                  moved.add(weight.value());
                  moved.add(on.remembered().array(Prodigy.MEAN + weight.name()));
                  moved.add(on.remembered().array(Prodigy.SQUARE + weight.name()));
                }
                on.calls().run(OptimizerScript.PRODIGY_MOVE, found.move().numbers(), moved);
              });
    }

    @Override
    public Optional<TensorSource> onHost() {
      return Optional.of(
          MemoryTensors.builder().add(ProdigyEstimate.INFO, estimate.payload()).build());
    }
  }
}
