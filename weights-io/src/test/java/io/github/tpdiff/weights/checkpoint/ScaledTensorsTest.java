package io.github.tpdiff.weights.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tpdiff.weights.CheckpointException;
import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.MemoryTensors;
import io.github.tpdiff.weights.TensorInfo;
import io.github.tpdiff.weights.TensorSource;
import io.github.tpdiff.weights.safetensors.SafetensorsWriter;
import io.github.tpdiff.weights.safetensors.ShardedSafetensorsWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ScaledTensorsTest {
  @TempDir private Path folder;

  /** How a file says that a weight is scaled. */
  private enum Form {
    SCALE_WEIGHT("scale_weight"),
    WEIGHT_SCALE("weight_scale"),
    COMFY_QUANT("weight_scale");

    private final String suffix;

    Form(String suffix) {
      this.suffix = suffix;
    }
  }

  private enum Type {
    F8_E4M3(4, 7),
    F8_E5M2(5, 15);

    private final int exponentBits;
    private final int bias;

    Type(int exponentBits, int bias) {
      this.exponentBits = exponentBits;
      this.bias = bias;
    }

    DType dtype() {
      return DType.valueOf(name());
    }

    /** The number that a code stands for, by the definition of the format. */
    float value(int code) {
      int mantissaBits = 7 - exponentBits;
      int exponent = (code & 0x7f) >> mantissaBits;
      int mantissa = code & ((1 << mantissaBits) - 1);
      double size =
          exponent == 0
              ? mantissa * Math.pow(2, 1 - bias - mantissaBits)
              : ((1 << mantissaBits) + mantissa) * Math.pow(2, exponent - bias - mantissaBits);
      return (float) (code >= 128 ? -size : size);
    }

    /** Any code of a finite number. */
    int code(Random random) {
      int largest = this == F8_E4M3 ? 0x7e : 0x7b;
      return random.nextInt(largest + 1) | (random.nextBoolean() ? 0x80 : 0);
    }
  }

  private enum ScaleShape {
    SCALAR,
    ONE,
    ONE_ONE,
    ROWS,
    COLUMN;

    List<Long> of(long rows) {
      return switch (this) {
        case SCALAR -> List.of();
        case ONE -> List.of(1L);
        case ONE_ONE -> List.of(1L, 1L);
        case ROWS -> List.of(rows);
        case COLUMN -> List.of(rows, 1L);
      };
    }
  }

  @Property(tries = 300)
  void everyVariant_readsAsTheProductWithItsScale(
      @ForAll Form form,
      @ForAll Type type,
      @ForAll ScaleShape shape,
      @ForAll @IntRange(min = 1, max = 9) int rows,
      @ForAll @IntRange(min = 1, max = 9) int columns,
      @ForAll boolean prefixed,
      @ForAll boolean withInputScale,
      @ForAll long seed) {
    Random random = new Random(seed);
    String prefix = prefixed ? "model.diffusion_model." : "";
    String module = prefix + "blocks.0.q.";
    byte[] codes = new byte[rows * columns];
    float[] scales = new float[(int) count(shape.of(rows))];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = (float) Math.exp(random.nextGaussian() * 5);
    }
    float[] expected = new float[codes.length];
    for (int i = 0; i < codes.length; i++) {
      int code = type.code(random);
      codes[i] = (byte) code;
      expected[i] = type.value(code) * scales[scales.length == 1 ? 0 : i / columns];
    }
    MemoryTensors.Builder file =
        MemoryTensors.builder()
            .addFloats(prefix + "norm.weight", List.of(2L), 1, 2)
            .add(
                new TensorInfo(
                    module + "weight", type.dtype(), List.of((long) rows, (long) columns)),
                ByteBuffer.wrap(codes))
            .addFloats(module + form.suffix, shape.of(rows), scales);
    switch (form) {
      case SCALE_WEIGHT ->
          file.add(
              new TensorInfo(prefix + "scaled_fp8", type.dtype(), List.of(0L)),
              ByteBuffer.allocate(0));
      case COMFY_QUANT -> file.add(bytes(module + "comfy_quant", json(type)), buffer(json(type)));
      case WEIGHT_SCALE -> {}
    }
    if (withInputScale) {
      file.addFloats(
          module + (form == Form.SCALE_WEIGHT ? "scale_input" : "input_scale"), List.of(), 7);
    }
    TensorSource view = ScaledTensors.of(file.metadata("_quantization_metadata", "{}").build());

    assertThat(view.names()).containsExactly(prefix + "norm.weight", module + "weight");
    assertThat(view.require(module + "weight"))
        .isEqualTo(
            new TensorInfo(module + "weight", DType.F32, List.of((long) rows, (long) columns)));
    assertThat(view.stored(module + "weight").dtype()).isEqualTo(type.dtype());
    assertThat(view.floats(module + "weight")).containsExactly(expected);
    assertThat(view.region(module + "weight")).isEmpty();
    assertThat(view.metadata()).isEmpty();
    assertThat(view.find(module + form.suffix)).isEmpty();
    assertThat(view.floats(prefix + "norm.weight")).containsExactly(1, 2);

    int offset = random.nextInt(4 * codes.length);
    int length = random.nextInt(4 * codes.length - offset + 1);
    assertThat(view.bytes(module + "weight", offset, length))
        .isEqualTo(view.bytes(module + "weight").slice(offset, length));
  }

  private static long count(List<Long> shape) {
    return shape.stream().reduce(1L, (a, b) -> a * b);
  }

  private static byte[] json(Type type) {
    String format = type == Type.F8_E4M3 ? "float8_e4m3fn" : "float8_e5m2";
    return "{\"format\": \"%s\"}".formatted(format).getBytes(StandardCharsets.UTF_8);
  }

  private static TensorInfo bytes(String name, byte[] content) {
    return new TensorInfo(name, DType.U8, List.of((long) content.length));
  }

  private static ByteBuffer buffer(byte[] content) {
    return ByteBuffer.wrap(content);
  }

  private static MemoryTensors.Builder weight() {
    return eightBits("x.weight", 0x38, 0xb8, 0x40, 0x44); // 1, -1, 2, 3
  }

  private static MemoryTensors.Builder eightBits(String name, int... codes) {
    ByteBuffer payload = ByteBuffer.allocate(codes.length);
    for (int code : codes) {
      payload.put((byte) code);
    }
    return MemoryTensors.builder()
        .add(new TensorInfo(name, DType.F8_E4M3, List.of(2L, codes.length / 2L)), payload.flip());
  }

  @Test
  void eightBitFloatsWithoutAScale_stayAsTheyAre() {
    MemoryTensors plain = weight().build();
    assertThat(ScaledTensors.of(plain)).isSameAs(plain);
    TensorSource marked =
        ScaledTensors.of(
            weight()
                .add(
                    new TensorInfo("scaled_fp8", DType.F8_E4M3, List.of(0L)),
                    ByteBuffer.allocate(0))
                .build());
    assertThat(marked.require("x.weight").dtype()).isEqualTo(DType.F8_E4M3);
    assertThat(marked.floats("x.weight")).containsExactly(1, -1, 2, 3);
  }

  @Test
  void aTokenizerAmongTheTensors_isNoWeight() {
    byte[] model = new byte[100];
    TensorSource view =
        ScaledTensors.of(
            MemoryTensors.builder()
                .addFloats("shared.weight", List.of(1L), 1)
                .add(bytes("spiece_model", model), buffer(model))
                .build());
    assertThat(view.names()).containsExactly("shared.weight");
  }

  @ParameterizedTest
  @ValueSource(strings = {"F64", "F16", "BF16"})
  void scalesOfOtherFloatingTypes_areRead(String type) {
    ByteBuffer half = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    switch (type) {
      case "F64" -> half.putDouble(0.5);
      case "F16" -> half.putShort((short) 0x3800);
      default -> half.putShort((short) 0x3f00);
    }
    TensorSource view =
        ScaledTensors.of(
            weight()
                .add(
                    new TensorInfo("x.scale_weight", DType.valueOf(type), List.of(1L)), half.flip())
                .build());
    assertThat(view.floats("x.weight")).containsExactly(0.5f, -0.5f, 1, 1.5f);
  }

  @Test
  void aScaleOfOneBesideAWeightInFull_changesNothing() {
    TensorSource view =
        ScaledTensors.of(
            MemoryTensors.builder()
                .addFloats("x.weight", List.of(2L), 3, 4)
                .addFloats("x.scale_weight", List.of(1L), 1)
                .build());
    assertThat(view.names()).containsExactly("x.weight");
    assertThat(view.floats("x.weight")).containsExactly(3, 4);
  }

  @ParameterizedTest
  @CsvSource({
    "NaN, 'expected positive finite scales of ''x.weight'', found NaN'",
    "0, 'expected positive finite scales of ''x.weight'', found 0.0'",
    "-0.5, 'expected positive finite scales of ''x.weight'', found -0.5'",
    "Infinity, 'expected positive finite scales of ''x.weight'', found Infinity'",
    "1e36, 'expected scales whose product with F8_E4M3 fits F32, found 1.0E36'",
  })
  void scalesThatAreNone_areRefusedByName(float scale, String message) {
    MemoryTensors file = weight().addFloats("x.scale_weight", List.of(1L), scale).build();
    assertThatThrownBy(() -> ScaledTensors.of(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessage("tensors in memory: tensor 'x.scale_weight': " + message);
    MemoryTensors rows = weight().addFloats("x.weight_scale", List.of(2L, 1L), 1, scale).build();
    assertThatThrownBy(() -> ScaledTensors.of(rows))
        .hasMessage("tensors in memory: tensor 'x.weight_scale': " + message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"3", "1, 2", "2, 2", "4", "1, 2, 1", "0"})
  void scalesOfBlocksOrColumns_areRefusedByName(String shape) {
    List<Long> dimensions =
        Stream.of(shape.replace(" ", "").split(",", -1)).map(Long::valueOf).toList();
    float[] ones = new float[(int) count(dimensions)];
    Arrays.fill(ones, 1);
    MemoryTensors file = weight().addFloats("x.scale_weight", dimensions, ones).build();
    assertThatThrownBy(() -> ScaledTensors.of(file))
        .hasMessage(
            "tensors in memory: tensor 'x.scale_weight': expected one scale, or one for each of the"
                + " 2 rows of 'x.weight' [2, 2], found F32 "
                + dimensions);
  }

  @Test
  void aScaleWithoutItsWeight_isRefusedByName() {
    MemoryTensors file = weight().addFloats("y.scale_weight", List.of(1L), 1).build();
    assertThatThrownBy(() -> ScaledTensors.of(file))
        .hasMessage(
            "tensors in memory: tensor 'y.scale_weight': expected the weight that it scales,"
                + " 'y.weight', which is missing");
  }

  @Test
  void twoScalesOfOneWeight_areRefusedByName() {
    MemoryTensors file =
        weight()
            .addFloats("x.scale_weight", List.of(1L), 1)
            .addFloats("x.weight_scale", List.of(1L), 1)
            .build();
    assertThatThrownBy(() -> ScaledTensors.of(file))
        .hasMessage(
            "tensors in memory: tensors 'x.scale_weight' and 'x.weight_scale' both scale"
                + " 'x.weight'");
  }

  @ParameterizedTest
  @ValueSource(strings = {"weight_scale_inv", "weight_scale_2", "scales", "scale"})
  void scalesUnderOtherNames_areRefusedByName(String name) {
    MemoryTensors file = weight().addFloats("x." + name, List.of(1L), 2).build();
    assertThatThrownBy(() -> ScaledTensors.of(file))
        .hasMessage(
            "tensors in memory: tensor 'x.%s': expected 'x.weight' to be scaled by one of"
                    .formatted(name)
                + " [scale_weight, weight_scale]");
  }

  @Test
  void aScaleBesideAnotherTypeOfWeight_isRefusedByName() {
    MemoryTensors file =
        MemoryTensors.builder()
            .addFloats("x.weight", List.of(1L), 3)
            .addFloats("x.scale_weight", List.of(1L), 2)
            .build();
    assertThatThrownBy(() -> ScaledTensors.of(file))
        .hasMessage(
            "tensors in memory: tensor 'x.weight': expected eight-bit floats beside"
                + " 'x.scale_weight', found F32");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{\"format\": \"nvfp4\"}", "{\"format\": \"float8_e5m2\"}", "{}", "[", ""})
  void anotherQuantisation_isRefusedByName(String json) {
    byte[] content = json.getBytes(StandardCharsets.UTF_8);
    MemoryTensors file =
        weight()
            .addFloats("x.weight_scale", List.of(), 1)
            .add(bytes("x.comfy_quant", content), buffer(content))
            .build();
    assertThatThrownBy(() -> ScaledTensors.of(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(
            "tensors in memory: tensor 'x.comfy_quant': expected one of [float8_e4m3fn,"
                + " float8_e5m2] as 'x.weight' is stored, found ");
  }

  @Test
  void aQuantisedWeightWithoutItsScale_isRefusedByName() {
    byte[] content = json(Type.F8_E4M3);
    MemoryTensors file = weight().add(bytes("x.comfy_quant", content), buffer(content)).build();
    assertThatThrownBy(() -> ScaledTensors.of(file))
        .hasMessage(
            "tensors in memory: tensor 'x.comfy_quant': expected the scale of 'x.weight',"
                + " 'x.weight_scale', which is missing");
  }

  @Test
  void scalesInAnotherShardThanTheirWeights_areFound() {
    MemoryTensors file =
        weight().addFloats("x.scale_weight", List.of(1L), 4).addFloats("y", List.of(1L), 5).build();
    var plan =
        new ShardedSafetensorsWriter.Request(
            folder, "diffusion_pytorch_model", 4, file.infos(), Map.of());
    try (var writer = ShardedSafetensorsWriter.create(plan)) {
      file.names().forEach(name -> writer.copy(file, name));
      writer.commit();
    }
    try (TensorSource opened = Checkpoint.open(folder)) {
      assertThat(opened.floats("x.weight")).containsExactly(4, -4, 8, 12);
    }
  }

  @Test
  void aView_tellsOfTheStoredTypeUnderItsOwnNames() {
    Path path = folder.resolve("scaled.safetensors");
    SafetensorsWriter.write(path, weight().addFloats("x.scale_weight", List.of(1L), 4).build());
    List<DType> stored = new ArrayList<>();
    try (TensorSource opened = Checkpoint.open(path)) {
      TensorSource renamed = opened.renamed(name -> Optional.of("a." + name));
      stored.add(renamed.stored("a.x.weight").dtype());
      stored.add(renamed.finite().stored("a.x.weight").dtype());
      stored.add(renamed.overlaid(MemoryTensors.builder().build()).stored("a.x.weight").dtype());
    }
    assertThat(stored).containsOnly(DType.F8_E4M3).hasSize(3);
  }
}
