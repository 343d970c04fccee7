package io.github.tpdiff.spark;

import io.github.tpdiff.lora.train.NonFiniteException;
import io.github.tpdiff.spark.ring.Member;
import io.github.tpdiff.spark.ring.Ring;
import io.github.tpdiff.spark.ring.RingEndedException;
import io.github.tpdiff.spark.ring.RingException;
import io.github.tpdiff.spark.ring.RingPort;
import io.github.tpdiff.weights.CheckpointException;
import java.io.Serializable;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import scala.collection.Iterator;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag;
import scala.runtime.AbstractFunction1;

/**
 * A rank of a training as a task of a barrier stage: all begin together, tell each other where they
 * listen, and form a ring; if one is lost, all of them fail, and the driver begins them again.
 */
final class RankTask extends AbstractFunction1<Iterator<Integer>, Iterator<Answer>>
    implements Serializable {
  private static final long serialVersionUID = 1;

  /** How long neighbours are waited for, which begin together but may have to load classes. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final List<String> arguments;
  private final String build;
  private final String secret;
  private final Broadcast<PreparedFiles> data;

  /**
   * @param arguments of {@link TrainVerb}
   * @param build of the driver
   * @param secret of this run's ranks
   * @param data prepared
   */
  RankTask(List<String> arguments, String build, String secret, Broadcast<PreparedFiles> data) {
    this.arguments = List.copyOf(arguments);
    this.build = build;
    this.secret = secret;
    this.data = data;
  }

  /** What comes of each rank. */
  List<Answer> run(JavaSparkContext context, int ranks) {
    List<Integer> numbers = IntStream.range(0, ranks).boxed().toList();
    Object answers =
        context
            .parallelize(numbers, ranks)
            .rdd()
            .barrier()
            .mapPartitions(this, false, ClassTag.apply(Answer.class))
            .collect();
    return Arrays.asList((Answer[]) answers);
  }

  @Override
  public Iterator<Answer> apply(Iterator<Integer> numbers) {
    Executor.close(); // what prepared the data makes room
    BarrierTaskContext context = BarrierTaskContext.get();
    try (RingPort port = RingPort.open()) {
      String own =
          host(context.getTaskInfos()[context.partitionId()].address()) + ':' + port.number();
      List<InetSocketAddress> addresses =
          Arrays.stream(context.allGather(own)).map(RankTask::address).toList();
      var member =
          new Member(
              context.partitionId(),
              addresses,
              secret,
              "stage %s attempt %s".formatted(context.stageId(), context.stageAttemptNumber()));
      TrainVerb verb = Verbs.parse(new TrainVerb(), arguments);
      try (Ring ring = Ring.join(port, member, verb.wire(), PATIENCE, context::isInterrupted)) {
        return CollectionConverters.asScala(List.of(train(ring, verb)).iterator());
      }
    }
  }

  private Answer train(Ring ring, TrainVerb verb) {
    String reason;
    try {
      Build.requireSame(build);
      return Answer.result(new RankTraining(ring, verb, data.value()).run());
    } catch (RingEndedException told) {
      reason = String.valueOf(told.getMessage());
    } catch (CheckpointException
        | IllegalArgumentException
        | LinkageError
        | NonFiniteException failure) {
      reason = Executor.here() + Executor.reason(failure);
    }
    // To try again is of no use: all ranks end, each with the reason.
    ring.end(reason);
    return Answer.refused(reason);
  }

  private static String host(String address) {
    int colon = address.lastIndexOf(':');
    return colon < 0 || address.endsWith("]") ? address : address.substring(0, colon);
  }

  private static InetSocketAddress address(String told) {
    try {
      return InetSocketAddress.createUnresolved(
          host(told), Integer.parseInt(told.substring(told.lastIndexOf(':') + 1)));
    } catch (IllegalArgumentException wrong) {
      throw new RingException("ring: expected HOST:PORT of a rank, found " + told, wrong);
    }
  }
}
