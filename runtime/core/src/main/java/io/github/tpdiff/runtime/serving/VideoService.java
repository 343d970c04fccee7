package io.github.tpdiff.runtime.serving;

import com.google.common.util.concurrent.Uninterruptibles;
import io.github.tpdiff.runtime.diffusion.StageConfig;
import io.github.tpdiff.runtime.model.ModelDescription;
import io.github.tpdiff.runtime.pipeline.GenerationListener;
import io.github.tpdiff.runtime.pipeline.LoraChoice;
import io.github.tpdiff.runtime.pipeline.PlannedVideo;
import io.github.tpdiff.runtime.pipeline.VideoPipeline;
import io.github.tpdiff.runtime.pipeline.VideoRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Makes videos for many: models are opened once and stay loaded, orders wait in a bounded queue,
 * and each device has a thread that makes them one after another, in the order they came.
 *
 * <p>Safe for use by several threads. A file that a name stands for is read when it is first asked
 * for; one that is replaced later is not noticed.
 */
public final class VideoService implements AutoCloseable {
  private final ServiceSetup setup;
  private final GenerationQueue queue;
  private final List<ServedDevice> devices = new ArrayList<>();
  private final List<Thread> workers = new ArrayList<>();
  private final Set<Generation<?>> running = ConcurrentHashMap.newKeySet();
  private final Pace pace = new Pace();
  private final AtomicLong ids = new AtomicLong();
  private final AtomicInteger working = new AtomicInteger();

  /** Its threads end by themselves: who cancels last is told after everything else has ended. */
  private final ExecutorService results =
      Executors.newCachedThreadPool(
          task -> {
            var own = new Thread(task, "results of generations");
            own.setDaemon(true);
            return own;
          });

  private VideoService(ServiceSetup setup) {
    this.setup = setup;
    this.queue = new GenerationQueue((long) setup.limits().queued() + setup.devices().size());
  }

  /**
   * Opens every model and begins to take orders.
   *
   * @param setup whose models are closed with the service; their engines stay the caller's
   * @throws io.github.tpdiff.weights.CheckpointException if a model cannot be opened
   */
  public static VideoService open(ServiceSetup setup) {
    var service = new VideoService(setup);
    boolean isOpen = false;
    try {
      setup.devices().forEach(models -> service.devices.add(new ServedDevice(models, setup)));
      isOpen = true;
    } finally {
      if (!isOpen) {
        service.devices.forEach(ServedDevice::close);
        service.closeModels();
      }
    }
    service.start();
    return service;
  }

  private void start() {
    devices.forEach(device -> workers.add(new Thread(() -> work(device), "generations")));
    working.set(workers.size());
    workers.forEach(
        worker -> {
          worker.setDaemon(true);
          worker.start();
        });
  }

  private void work(ServedDevice device) {
    try {
      Optional<Generation<?>> next = queue.take(device.names());
      while (next.isPresent()) {
        make(next.get(), device);
        next = queue.take(device.names());
      }
    } finally {
      device.close();
      if (working.decrementAndGet() == 0) {
        closeModels();
      }
    }
  }

  private void make(Generation<?> generation, ServedDevice device) {
    running.add(generation);
    if (queue.isClosed()) {
      generation.cancel(); // it was taken before, and is not among those that close() saw
    }
    pace.begin(generation);
    try {
      generation.run(device);
    } finally {
      pace.end(generation);
      running.remove(generation);
    }
  }

  private void closeModels() {
    setup.devices().stream()
        .flatMap(models -> models.values().stream())
        .distinct()
        .forEach(ModelOpener::close);
  }

  /** The names of the models. */
  public Set<String> models() {
    return setup.models();
  }

  /** The names of the LoRAs. */
  public Set<String> loras() {
    return setup.loras().keySet();
  }

  /**
   * What a model is.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public ModelDescription description(String model) {
    setup.requireModel(model);
    try (OpenModels.Use use = device(model).use(model, List.of())) {
      return use.parts().description();
    }
  }

  /**
   * The stages in which an order is made, whatever its size.
   *
   * @throws IllegalArgumentException if a model or LoRA has no such name, or its weights were made
   *     for other stages than are asked
   * @throws io.github.tpdiff.weights.CheckpointException if a file cannot be read
   */
  public StageConfig stages(VideoOrder order) {
    try (OpenModels.Use model = device(order.model()).use(order.model(), setup.loras(order))) {
      return model.parts().stages(order.request().sampling().stages()).stages();
    }
  }

  /**
   * What an order comes to; nothing is made of it.
   *
   * @throws IllegalArgumentException if a model or LoRA has no such name, or the order does not fit
   *     the model, in one line
   * @throws io.github.tpdiff.weights.CheckpointException if a file cannot be read, or the model
   *     lacks what makes a video
   */
  public PlannedVideo check(VideoOrder order) {
    List<LoraChoice> loras = setup.loras(order);
    try (OpenModels.Use model = device(order.model()).use(order.model(), loras)) {
      VideoRequest request = order.request().of(model.parts());
      var pipeline = new VideoPipeline(model.parts());
      PlannedVideo planned = pipeline.plan(request);
      pipeline.requireComponents(request);
      return planned;
    }
  }

  private ServedDevice device(String model) {
    return devices.stream().filter(own -> own.names().contains(model)).findFirst().orElseThrow();
  }

  /** The same without anybody watching. */
  public <T> Generation<T> submit(VideoOrder order, VideoUse<T> use) {
    return submit(order, use, GenerationListener.silent());
  }

  /**
   * Puts an order into the queue.
   *
   * @param use of the video, part of the generation
   * @param listener told on the device's thread; what it throws ends the generation
   * @throws QueueFullException if there are as many as the service takes
   * @throws IllegalStateException if the service is closed
   * @throws IllegalArgumentException as of {@link #check}
   * @throws io.github.tpdiff.weights.CheckpointException as of {@link #check}
   */
  public <T> Generation<T> submit(VideoOrder order, VideoUse<T> use, GenerationListener listener) {
    requireOpen();
    if (queue.isFull()) {
      throw full();
    }
    check(order);
    var generation =
        new Generation<>(
            ids.incrementAndGet(),
            order,
            use,
            listener,
            new Generation.Surroundings(queue, results));
    if (!queue.offer(generation)) {
      requireOpen();
      throw full();
    }
    return generation;
  }

  private void requireOpen() {
    if (queue.isClosed()) {
      throw new IllegalStateException("the service is closed");
    }
  }

  private QueueFullException full() {
    return new QueueFullException(setup.limits().queued(), pace.untilNextEnd());
  }

  /** What there is to do now. */
  public ServiceLoad load() {
    return new ServiceLoad(
        queue.waiting(),
        queue.running(),
        devices.stream().mapToLong(ServedDevice::warmBytes).sum());
  }

  /**
   * Cancels what waits and what runs, waits until that has ended, and closes the models. Called by
   * a listener or a {@link VideoUse}, it does not wait for its own generation.
   */
  @Override
  public void close() {
    List<Generation<?>> waiting = queue.close();
    running.forEach(Generation::cancel);
    waiting.forEach(Generation::cancel);
    for (Thread worker : workers) {
      if (worker != Thread.currentThread()) {
        Uninterruptibles.joinUninterruptibly(worker);
      }
    }
  }
}
