package io.github.tpdiff.runtime.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtException.OrtErrorCode;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import io.github.tpdiff.runtime.engine.Engine;
import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.runtime.reference.OperationCase;
import io.github.tpdiff.runtime.reference.OperationContractTest;
import io.github.tpdiff.weights.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class StandardOperationsTest extends OperationContractTest {
  @TempDir private Path folder = Path.of("");

  @Override
  protected Engine openEngine() {
    return OnnxEngine.on(OnnxDevice.CPU, OnnxFlavour.STANDARD);
  }

  static List<OperationCase> everyCase() {
    return cases();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("everyCase")
  void graph_passesStrictShapeInferenceWithoutOptimisation(OperationCase operation)
      throws OrtException, IOException {
    Program program = operation.program();
    Files.write(folder.resolve("weights"), new byte[1 << 20]);
    for (GraphForm form : forms()) {
      ModelProto model =
          ProgramLowering.lower(
              program,
              form,
              name -> StoredWeight.plain(DType.F32, "weights", 0, bytes(program, name)));
      Path file = folder.resolve(form.flavour() + "." + form.products() + ".onnx");
      Files.write(file, model.toByteArray());
      try (var options = new SessionOptions()) {
        options.setOptimizationLevel(OptLevel.NO_OPT);
        options.addConfigEntry("session.strict_shape_type_inference", "1");
        try (var session =
            OrtEnvironment.getEnvironment().createSession(file.toString(), options)) {
          assertEquals(Set.copyOf(program.outputs()), session.getOutputNames());
        } catch (OrtException failure) {
          // Types and shapes were found well, before kernels were looked for.
          assertEquals(OrtErrorCode.ORT_NOT_IMPLEMENTED, failure.getCode(), failure.getMessage());
          assertEquals(DType.BF16, form.products());
        }
      }
      assertInOrder(model);
    }
  }

  private static List<GraphForm> forms() {
    return Stream.of(OnnxFlavour.values())
        .flatMap(
            flavour ->
                Stream.of(DType.F32, DType.F16, DType.BF16)
                    .map(products -> new GraphForm(flavour, products)))
        .toList();
  }

  private static long bytes(Program program, String weight) {
    return program.weights().entrySet().stream()
        .filter(entry -> entry.getKey().equals(weight))
        .mapToLong(entry -> entry.getValue().shape().elementCount().value() * Float.BYTES)
        .sum();
  }

  /** Every input of a node comes before it, and every name is given once. */
  private static void assertInOrder(ModelProto model) {
    var known = new HashSet<String>(Set.of(""));
    model.getGraph().getInputList().forEach(input -> known.add(input.getName()));
    model.getGraph().getInitializerList().forEach(weight -> known.add(weight.getName()));
    for (NodeProto node : model.getGraph().getNodeList()) {
      node.getInputList().forEach(input -> assertEquals(true, known.contains(input), input));
      node.getOutputList().forEach(output -> assertEquals(true, known.add(output), output));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("everyCase")
  void standardGraph_usesTheStandardDomainOnly(OperationCase operation) {
    Program program = operation.program();
    ModelProto model =
        ProgramLowering.lower(
            program,
            GraphForm.inFp32(OnnxFlavour.STANDARD),
            name -> StoredWeight.plain(DType.F32, "weights", 0, bytes(program, name)));
    assertEquals(1, model.getOpsetImportCount());
    assertEquals(23, model.getOpsetImport(0).getVersion());
    model.getGraph().getNodeList().forEach(node -> assertEquals("", node.getDomain()));
  }
}
