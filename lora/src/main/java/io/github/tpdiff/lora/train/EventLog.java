package io.github.tpdiff.lora.train;

import java.nio.ByteBuffer;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;

/**
 * The record of a training for TensorBoard, under the tags that kohya's trainers use where they
 * have one: {@code loss/current}, {@code loss/average}, {@code lr/unet}; and for each stage {@code
 * loss/stage_K}, {@code loss/average_stage_K}, {@code validation/stage_K}. Sampled videos are
 * pictures {@code samples/N}.
 *
 * <p>A resumed run begins another file, which says from which step on readers forget what the files
 * before it said.
 */
final class EventLog implements RunLog {
  private static final int TAG = 1;
  private static final int SIMPLE_VALUE = 2;
  private static final int IMAGE = 4;

  private static final int HEIGHT = 1;
  private static final int WIDTH = 2;
  private static final int COLORSPACE = 3;
  private static final int ENCODED = 4;
  private static final int RGB = 3;

  /** Where PNG's first chunk has them, big-endian. */
  private static final int PNG_WIDTH = 16;

  private static final int PNG_HEIGHT = 20;

  private final EventFile events;

  private EventLog(EventFile events) {
    this.events = events;
  }

  static EventLog open(Start start, Clock clock) {
    return new EventLog(
        EventFile.open(start.folder(), start.step() == 0 ? 0 : start.step() + 1, clock));
  }

  @Override
  public void row(LogRow row) {
    var values = new ArrayList<ProtoMessage>();
    row.loss().ifPresent(loss -> values.add(scalar("loss/current", loss)));
    row.smoothedLosses().values().stream()
        .mapToDouble(Double::doubleValue)
        .average()
        .ifPresent(mean -> values.add(scalar("loss/average", mean)));
    row.stageLosses().forEach((stage, loss) -> values.add(scalar("loss/stage_" + stage, loss)));
    row.smoothedLosses()
        .forEach((stage, loss) -> values.add(scalar("loss/average_stage_" + stage, loss)));
    row.learningRate().ifPresent(rate -> values.add(scalar("lr/unet", rate)));
    row.gradientNorm().ifPresent(norm -> values.add(scalar("norm/gradient", norm)));
    row.validation()
        .forEach((stage, loss) -> values.add(scalar("validation/stage_" + stage, loss)));
    if (row.loss().isPresent()) {
      values.add(scalar("epoch", row.epoch()));
    }
    events.write(row.step(), values);
  }

  private static ProtoMessage scalar(String tag, double value) {
    return new ProtoMessage().text(TAG, tag).float32(SIMPLE_VALUE, (float) value);
  }

  @Override
  public void sampled(SampleShown sample) {
    ByteBuffer png = ByteBuffer.wrap(sample.sheet());
    var image =
        new ProtoMessage()
            .number(HEIGHT, png.getInt(PNG_HEIGHT))
            .number(WIDTH, png.getInt(PNG_WIDTH))
            .number(COLORSPACE, RGB)
            .data(ENCODED, sample.sheet());
    events.write(
        sample.step(),
        List.of(new ProtoMessage().text(TAG, "samples/" + sample.prompt()).message(IMAGE, image)));
  }

  @Override
  public void force() {
    events.force();
  }

  @Override
  public void close() {
    events.close();
  }
}
