package io.github.tpdiff.runtime.reference;

import static io.github.tpdiff.runtime.graph.Value.constant;
import static io.github.tpdiff.runtime.graph.Value.indexInput;
import static io.github.tpdiff.runtime.graph.Value.input;
import static io.github.tpdiff.runtime.graph.Value.weight;

import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.Op;
import io.github.tpdiff.runtime.graph.Value;
import java.util.ArrayList;
import java.util.List;

/** Constants, arithmetic, functions, norms, casts. */
final class PointwiseCases {
  private PointwiseCases() {}

  static List<OperationCase> all() {
    var cases = new ArrayList<OperationCase>();
    var x = input("x", "batch", "tokens", 6);
    for (Op.UnaryKind kind : Op.UnaryKind.values()) {
      Value real = kind == Op.UnaryKind.SQRT ? x.times(x) : x.times(5);
      cases.add(new OperationCase("unary " + kind, real.apply(kind)));
    }
    cases.addAll(arithmetic(x));
    cases.addAll(norms(x));
    cases.add(new OperationCase("clamp", x.clamp(-0.5, 0.25)));
    cases.add(new OperationCase("cast to indices truncates", x.times(9).cast(ElementType.I64)));
    cases.add(
        new OperationCase(
            "cast to reals",
            indexInput("ids", "batch", "tokens").cast(ElementType.F32).times(0.5)));
    return cases;
  }

  private static List<OperationCase> arithmetic(Value x) {
    var cases = new ArrayList<OperationCase>();
    cases.add(new OperationCase("add, equal shapes", x.plus(input("y", "batch", "tokens", 6))));
    cases.add(new OperationCase("add, one input written twice", twice()));
    cases.add(new OperationCase("add, last axis", x.plus(weight("w", 6))));
    cases.add(new OperationCase("add, scalar constant", x.plus(0.1)));
    cases.add(
        new OperationCase("add, constant", x.plus(constant(new float[] {1, 2, 3, 4, 5, 6}, 6))));
    cases.add(new OperationCase("sub, middle axis of one", x.minus(input("y", "batch", 1, 6))));
    cases.add(new OperationCase("sub, shorter on the left", weight("w", 6).minus(x)));
    cases.add(
        new OperationCase(
            "mul, both sides stretch", input("a", "tokens", 1).times(input("b", "batch", 1, 3))));
    cases.add(
        new OperationCase(
            "mul, rank 5",
            input("a", "batch", 3, "frames", "height", "width").times(weight("w", 3, 1, 1, 1))));
    cases.add(new OperationCase("div", x.dividedBy(input("y", "batch", "tokens", 1).plus(3))));
    cases.add(
        new OperationCase("scaleShift", x.scaleShift(input("s", "batch", 1, 6), weight("w", 6))));
    return cases;
  }

  private static Value twice() {
    Value scaled = input("x", "batch", 6).times(weight("w", 6));
    return scaled.plus(input("x", "batch", 6)).plus(weight("w", 6));
  }

  private static List<OperationCase> norms(Value x) {
    var video = input("v", "batch", 4, "frames", "height", "width");
    var someZero = Value.concat(2, video, video.times(0));
    return List.of(
        new OperationCase("layerNorm", x.layerNorm(1e-6)),
        new OperationCase("layerNorm, affine", x.layerNorm(1e-5, weight("w", 6), weight("b", 6))),
        new OperationCase("layerNorm, large eps", x.layerNorm(0.5)),
        new OperationCase("rmsNorm", x.rmsNorm(1e-6, weight("w", 6))),
        new OperationCase(
            "rmsNorm, rank 4", input("y", "batch", "tokens", 2, 5).rmsNorm(0.1, weight("w", 5))),
        new OperationCase("groupNorm, frames", grouped(video, 2, 1e-6)),
        new OperationCase("groupNorm, one group, large eps", grouped(video, 1, 0.5)),
        new OperationCase(
            "groupNorm, pictures", grouped(input("p", "batch", 6, "height", "width"), 3, 1e-5)),
        new OperationCase("groupNorm, no positions", grouped(input("r", "batch", 6), 2, 1e-5)),
        new OperationCase("l2Normalize, last axis", x.l2Normalize(-1)),
        new OperationCase("l2Normalize, channels, some zero", someZero.l2Normalize(1)),
        new OperationCase("l2Norm, last axis", x.l2Norm(-1)),
        new OperationCase("l2Norm, channels, some zero", someZero.l2Norm(1)),
        new OperationCase("l2Norm, weight", weight("w", 6, 5).l2Norm(1).times(x.l2Norm(1))),
        new OperationCase("detach", x.detach().plus(x)));
  }

  private static Value grouped(Value x, int groups, double eps) {
    long channels = x.dim(1).value();
    return x.groupNorm(new Op.GroupNorm(groups, eps), weight("w", channels), weight("b", channels));
  }
}
