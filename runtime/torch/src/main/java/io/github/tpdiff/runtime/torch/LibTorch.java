package io.github.tpdiff.runtime.torch;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.pytorch.jni.JniUtils;
import io.github.tpdiff.weights.NativeFolder;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/** The native library; DJL loads it once for the process. */
final class LibTorch {
  private static final Path SMT = Path.of("/sys/devices/system/cpu/smt/active");

  private LibTorch() {}

  /**
   * The engine, loaded where that has not happened yet.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if its libraries cannot be unpacked or
   *     loaded, naming the folder and the remedy
   */
  static Engine start() {
    // DJL reads these once, when it loads: no usage reports, no search for natives online.
    setDefault("OPT_OUT_TRACKING", "true");
    setDefault("ai.djl.offline", "true");
    NativeFolder folder = NativeFolder.djl();
    folder.require();
    Engine engine;
    try {
      engine = Engine.getEngine("PyTorch");
    } catch (EngineException | LinkageError failure) {
      throw folder.cannotLoad("PyTorch", failure);
    }
    if (System.getProperty("ai.djl.pytorch.num_threads") == null) {
      JniUtils.setNumThreads(physicalCores());
    }
    return engine;
  }

  /** The version that the binding is made for, as it says itself. */
  static String boundVersion() {
    var said = new Properties();
    try (InputStream own = Engine.class.getResourceAsStream("/pytorch-engine.properties")) {
      if (own != null) {
        said.load(own);
      }
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
    return said.getProperty("pytorch_version", "");
  }

  private static void setDefault(String property, String value) {
    if (System.getProperty(property) == null && System.getenv(property) == null) {
      System.setProperty(property, value);
    }
  }

  /** Matrix products gain nothing from a core's second thread. */
  private static int physicalCores() {
    int logical = Runtime.getRuntime().availableProcessors();
    try {
      boolean shared = Files.exists(SMT) && Files.readString(SMT).strip().equals("1");
      return shared ? Math.max(1, logical / 2) : logical;
    } catch (IOException unknown) {
      return logical;
    }
  }
}
