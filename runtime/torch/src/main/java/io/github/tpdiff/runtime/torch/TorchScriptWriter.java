package io.github.tpdiff.runtime.torch;

import io.github.tpdiff.runtime.graph.Graph;
import io.github.tpdiff.runtime.graph.Program;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Lowers a program to one TorchScript class with a method for each distinct segment body.
 *
 * <p>Every method maps one list of tensors to another, which is what keeps a call cheap and lets
 * DJL choose the method by name.
 */
final class TorchScriptWriter {
  /** The class's name. */
  static final String CLASS = "Program";

  /** How the class begins; its methods follow. */
  static final String HEADER =
      "class "
          + CLASS
          + "(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n";

  /** The first elements of a file, mapped: path, count, code of the element type. */
  static final String MAP_FILE = "map_file";

  private static final String SUPPORT =
      """
        def map_file(self: __torch__.Program, path: str, size: int, dtype: int) -> Tensor:
          return torch.from_file(path, False, size, dtype=dtype)
        def join(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          return [torch.cat(v, 0)]
        def mix(self: __torch__.Program, h: Tensor) -> Tensor:
          high = torch.bitwise_and_(torch.bitwise_right_shift(h, 16), 65535)
          m = torch.mul_(torch.bitwise_xor_(h, high), 2146121005)
          upper = torch.bitwise_and_(torch.bitwise_right_shift(m, 15), 131071)
          return torch.mul_(torch.bitwise_xor_(m, upper), -2073254261)
        def hash(self: __torch__.Program, h: Tensor) -> Tensor:
          m = (self).mix(h)
          return torch.bitwise_xor_(m, torch.bitwise_and_(torch.bitwise_right_shift(m, 16), 65535))
        def places(self: __torch__.Program, count: int, key: Tensor) -> Tensor:
          i = torch.arange(count, dtype=3, layout=None, device=ops.prim.device(key), pin_memory=False)
          return (self).hash(torch.bitwise_xor(i, key))
        def dropped(self: __torch__.Program, x: Tensor, seed: Tensor, layer: Tensor, least: int, scale: float) -> Tensor:
          key = (self).hash(torch.bitwise_xor((self).hash(torch.to(seed, 3)), torch.to(layer, 3)))
          n = torch.size(x, -1)
          rows = (self).places(torch.floordiv(torch.numel(x), n), key)
          columns = (self).places(n, torch.bitwise_not(key))
          bits = (self).mix(torch.bitwise_xor(torch.reshape(rows, [-1, 1]), columns))
          whole = torch.lt(seed, 0)
          stays = torch.ge(bits, torch.to(torch.where(whole, -2147483648, least), 3))
          factors = torch.where(stays, torch.to(torch.where(whole, 1.0, scale), 6), 0.0)
          return torch.mul(x, torch.reshape(factors, torch.size(x)))
        def mse(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          e = torch.mse_loss(torch.to(v[0], 7), torch.to(v[1], 7), 0)
          return [torch.mean(torch.mul(e, v[2]))]
        def huber(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          c = v[3]
          e = torch.sub(torch.to(v[0], 7), torch.to(v[1], 7))
          r = torch.sub(torch.sqrt(torch.add(torch.mul(e, e), torch.mul(c, c))), c)
          return [torch.mean(torch.mul(torch.mul(r, torch.mul(c, 2.0)), v[2]))]
        def huber_grad(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          c = v[3]
          e = torch.sub(v[0], v[1])
          r = torch.div(torch.mul(e, c), torch.sqrt(torch.add(torch.mul(e, e), torch.mul(c, c))))
          return [torch.mul(torch.mul(r, torch.div(2.0, torch.numel(e))), v[2])]
        def mse_grad(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
          d = torch.mul(torch.sub(v[0], v[1]), torch.div(2.0, torch.numel(v[0])))
          return [torch.mul(d, v[2])]
      """;

  private final Map<String, String> methodOfBody = new LinkedHashMap<>();
  private final List<Segment> segments = new ArrayList<>();
  private final List<MethodWriter> writers = new ArrayList<>();

  /**
   * @param forms of the weights
   */
  TorchScriptWriter(Program program, Function<String, WeightForm> forms, Arithmetic arithmetic) {
    for (Graph graph : program.segments()) {
      var writer = new MethodWriter(graph, forms, arithmetic);
      String method = method("run", writer.write());
      segments.add(new Segment(graph, method, writer.scaled(), writer.constants()));
      writers.add(writer);
    }
  }

  List<Segment> segments() {
    return List.copyOf(segments);
  }

  /** A writer of another method on the list of a segment's own. */
  MethodWriter writer(int segment) {
    return writers.get(segment).onTheSameList();
  }

  /** The name of the method with this body, added if it is new. */
  String method(String prefix, String body) {
    return methodOfBody.computeIfAbsent(body, b -> prefix + methodOfBody.size());
  }

  /** The class. */
  String source() {
    var text = new StringBuilder(HEADER);
    methodOfBody.forEach(
        (body, name) ->
            text.append("  def %s(self: __torch__.%s,\n".formatted(name, CLASS))
                .append("    v: List[Tensor]) -> List[Tensor]:\n")
                .append(body));
    return text.append(SUPPORT).toString();
  }
}
