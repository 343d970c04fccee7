package io.github.tpdiff.runtime.torch;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import io.github.tpdiff.runtime.engine.Tensor;
import io.github.tpdiff.runtime.graph.ElementType;
import io.github.tpdiff.runtime.graph.GraphException;
import io.github.tpdiff.runtime.torch.ScriptSignature.Parameter;
import io.github.tpdiff.weights.CheckpointException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A network that someone else saved as TorchScript, ready to run. Such a file is a program: it does
 * whatever it says. Not safe for use by several threads at once.
 */
public final class ScriptedNetwork implements AutoCloseable {
  private final Path file;
  private final List<Parameter> parameters;
  private final NDManager manager;
  private final PtSymbolBlock block;

  private ScriptedNetwork(
      Path file, ScriptSignature signature, NDManager manager, PtSymbolBlock block) {
    this.file = file;
    this.parameters = signature.parameters();
    this.manager = manager;
    this.block = block;
  }

  /**
   * Opens a file on the manager's device, which is closed with the network.
   *
   * @throws CheckpointException if it is no TorchScript file
   */
  static ScriptedNetwork open(Path file, NDManager manager) {
    try {
      if (!Files.isRegularFile(file)) {
        throw new CheckpointException("%s: no such file".formatted(file));
      }
      ScriptSignature signature = ScriptSignature.read(file);
      PtSymbolBlock block =
          JniUtils.loadModule(
              (PtNDManager) manager, file, true, new String[0], new String[0], false);
      JniUtils.enableInferenceMode(block);
      return new ScriptedNetwork(file, signature, manager, block);
    } catch (EngineException failure) {
      manager.close();
      String reason = reason(failure);
      throw new CheckpointException(
          "%s: PyTorch %s cannot open it: %s%s"
              .formatted(
                  file,
                  LibTorch.start().getVersion(),
                  reason,
                  reason.contains("Unknown builtin op")
                      ? "; a newer PyTorch scripted it: trace it, or save it with this one"
                      : ""),
          failure);
    } catch (RuntimeException failure) {
      manager.close();
      throw failure;
    }
  }

  /** Names of what {@code forward} takes, in its order. */
  public List<String> inputNames() {
    return parameters.stream().map(Parameter::name).toList();
  }

  /**
   * Runs {@code forward} once, without gradients.
   *
   * @param inputs tensors by the names of {@link #inputNames()}; truth values and numbers as
   *     integer tensors of one element. What has a default may be left out; what has none of these
   *     names is not looked at
   * @return every tensor of the result in its order, out of tuples, lists and dictionaries
   * @throws GraphException if an input is missing or is of a kind that cannot be given
   * @throws CheckpointException if the network fails on them
   */
  public List<Tensor> run(Map<String, Tensor> inputs) {
    var arguments = new ArrayList<IValue>();
    boolean before = JniUtils.isGradMode();
    JniUtils.setGradMode(false);
    JniUtils.setGraphExecutorOptimize(false);
    try (NDManager scope = manager.newSubManager()) {
      for (Parameter parameter : given(inputs)) {
        arguments.add(argument(parameter, inputs, scope));
      }
      try (IValue result =
          IValueUtils.runMethod(block, "forward", arguments.toArray(new IValue[0]))) {
        var tensors = new ArrayList<Tensor>();
        collect(result, scope, tensors);
        return tensors;
      }
    } catch (EngineException failure) {
      throw new CheckpointException(
          "%s: PyTorch cannot run it: %s".formatted(file, reason(failure)), failure);
    } finally {
      arguments.forEach(IValue::close);
      JniUtils.setGradMode(before);
    }
  }

  /** Up to the last that is given or has no default. */
  private List<Parameter> given(Map<String, Tensor> inputs) {
    int end = 0;
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      if (inputs.containsKey(parameter.name())) {
        end = i + 1;
      } else if (parameter.preset().isEmpty()) {
        throw new GraphException("%s: input %s is missing".formatted(file, parameter.name()));
      }
    }
    return parameters.subList(0, end);
  }

  private IValue argument(Parameter parameter, Map<String, Tensor> inputs, NDManager scope) {
    Tensor tensor = inputs.get(parameter.name());
    if (tensor == null) {
      return preset(parameter);
    }
    if (parameter.isTensor()) {
      return IValue.from((PtNDArray) HostTensors.toDevice(tensor, scope));
    }
    boolean isNumber = tensor.type() == ElementType.I64 && tensor.elementCount() == 1;
    return switch (isNumber ? parameter.type() : "") {
      case "bool" -> IValue.from(tensor.longs().get(0) != 0);
      case "int" -> IValue.from(tensor.longs().get(0));
      case "float" -> IValue.from((double) tensor.longs().get(0));
      default -> throw cannotBeGiven(parameter, tensor.toString());
    };
  }

  private IValue preset(Parameter parameter) {
    String text = parameter.preset().orElseThrow();
    try {
      return switch (parameter.type()) {
        case "bool" -> IValue.from(text.equals("True"));
        case "int" -> IValue.from(Long.parseLong(text));
        case "float" -> IValue.from(Double.parseDouble(text));
        default -> throw cannotBeGiven(parameter, "its default " + text);
      };
    } catch (NumberFormatException unread) {
      throw cannotBeGiven(parameter, "its default " + text);
    }
  }

  private GraphException cannotBeGiven(Parameter parameter, String found) {
    return new GraphException(
        "%s: input %s: expected %s, found %s; save the network with a forward that takes tensors"
            .formatted(file, parameter.name(), parameter.type(), found));
  }

  private void collect(IValue value, NDManager scope, List<Tensor> tensors) {
    if (value.isTensor()) {
      NDArray array = value.toTensor((PtNDManager) scope);
      boolean isKept =
          array.getDataType() == DataType.FLOAT32 || array.getDataType() == DataType.INT64;
      tensors.add(
          HostTensors.toHost(isKept ? array : array.toType(DataType.FLOAT32, /* copy= */ false)));
    } else if (value.isTuple()) {
      collect(List.of(value.toIValueTuple()), scope, tensors);
    } else if (value.isTensorList() || value.isList()) {
      collect(List.of(value.toIValueArray()), scope, tensors);
    } else if (value.isMap()) {
      collect(List.copyOf(value.toIValueMap().values()), scope, tensors);
    }
  }

  private void collect(List<IValue> values, NDManager scope, List<Tensor> tensors) {
    for (IValue each : values) {
      try (each) {
        collect(each, scope, tensors);
      }
    }
  }

  /** The line of an error that says what is wrong; around it TorchScript tells where. */
  private static String reason(EngineException failure) {
    List<String> lines =
        String.valueOf(failure.getMessage()).lines().filter(line -> !line.isBlank()).toList();
    return lines.stream()
        .filter(line -> line.contains("Error: "))
        .reduce((first, last) -> last)
        .orElse(lines.isEmpty() ? failure.toString() : lines.get(0))
        .strip();
  }

  @Override
  public void close() {
    block.close();
    manager.close();
  }
}
