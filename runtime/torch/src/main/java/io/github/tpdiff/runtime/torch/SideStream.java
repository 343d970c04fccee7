package io.github.tpdiff.runtime.torch;

import ai.djl.ndarray.NDManager;
import java.util.List;

/**
 * A CUDA stream beside the one in which every thread begins: what is copied in it runs while
 * kernels of the other do.
 */
final class SideStream {
  /** PyTorch registers the class of streams in its CUDA builds alone. */
  private static final String SOURCE =
      TorchScriptWriter.HEADER
          + """
            def enter(self: __torch__.Program, v: List[Tensor]) -> List[Tensor]:
              s = __torch__.torch.classes.cuda.Stream.__new__(__torch__.torch.classes.cuda.Stream)
              _0 = (s).__init__(None, 0)
              ops.cuda.set_stream(s)
              return v
          """;

  private SideStream() {}

  /** From now on the calling thread works in a stream of its own, if a manager is of a GPU. */
  static void enter(NDManager manager) {
    if (manager.getDevice().isGpu()) {
      try (NDManager scope = manager.newSubManager();
          var module = new TorchModule(SOURCE, scope)) {
        module.call("enter", List.of(), TorchModule.Mode.NO_GRAD, scope);
      }
    }
  }
}
