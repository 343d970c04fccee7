package io.github.tpdiff.weights.pickle;

import io.github.tpdiff.weights.DType;
import io.github.tpdiff.weights.PrintableText;
import io.github.tpdiff.weights.pickle.StoredTensor.Storage;
import io.github.tpdiff.weights.pickle.Unpickler.Constant;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** The names a file of {@code torch.save} may use: tensors, parameters and ordered dictionaries. */
final class TorchConstructors implements Constructors {

  private enum Function {
    TENSOR_V1,
    TENSOR_V2,
    TENSOR_V3,
    PARAMETER,
    FROM_TYPE,
    ORDERED_DICT,
    SIZE,
    /** Makes something that is or holds no tensor. */
    OPAQUE,
    TYPE
  }

  private static final Map<String, Object> GLOBALS =
      Map.ofEntries(
          Map.entry("torch._utils._rebuild_tensor", Function.TENSOR_V1),
          Map.entry("torch._utils._rebuild_tensor_v2", Function.TENSOR_V2),
          Map.entry("torch._utils._rebuild_tensor_v3", Function.TENSOR_V3),
          Map.entry("torch._utils._rebuild_parameter", Function.PARAMETER),
          Map.entry("torch._utils._rebuild_parameter_with_state", Function.PARAMETER),
          Map.entry("torch._tensor._rebuild_from_type_v2", Function.FROM_TYPE),
          Map.entry("torch.Tensor", Function.TYPE),
          Map.entry("torch.nn.parameter.Parameter", Function.TYPE),
          Map.entry("collections.OrderedDict", Function.ORDERED_DICT),
          Map.entry("torch.Size", Function.SIZE),
          Map.entry("torch.device", Function.OPAQUE),
          Map.entry("torch.serialization._get_layout", Function.OPAQUE),
          Map.entry("torch.per_tensor_affine", Constant.OPAQUE),
          Map.entry("torch.per_channel_affine", Constant.OPAQUE),
          Map.entry("collections.Counter", Function.OPAQUE),
          Map.entry("builtins.set", Function.OPAQUE),
          Map.entry("builtins.frozenset", Function.OPAQUE),
          Map.entry("builtins.bytearray", Function.OPAQUE),
          Map.entry("builtins.complex", Function.OPAQUE),
          Map.entry("_codecs.encode", Function.OPAQUE),
          // What trainers save beside the weights: scores, and callbacks by their class.
          Map.entry("numpy.core.multiarray.scalar", Function.OPAQUE),
          Map.entry("numpy._core.multiarray.scalar", Function.OPAQUE),
          Map.entry("numpy.dtype", Function.OPAQUE),
          Map.entry("pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint", Function.TYPE));

  /** Storage classes; the untyped one counts bytes. */
  private static final Map<String, DType> STORAGES =
      Map.ofEntries(
          Map.entry("torch.DoubleStorage", DType.F64),
          Map.entry("torch.FloatStorage", DType.F32),
          Map.entry("torch.HalfStorage", DType.F16),
          Map.entry("torch.BFloat16Storage", DType.BF16),
          Map.entry("torch.LongStorage", DType.I64),
          Map.entry("torch.IntStorage", DType.I32),
          Map.entry("torch.ShortStorage", DType.I16),
          Map.entry("torch.CharStorage", DType.I8),
          Map.entry("torch.ByteStorage", DType.U8),
          Map.entry("torch.BoolStorage", DType.BOOL),
          Map.entry("torch.ComplexFloatStorage", DType.C64),
          Map.entry("torch.UntypedStorage", DType.U8),
          Map.entry("torch.storage.UntypedStorage", DType.U8));

  private static final Map<String, DType> DTYPES =
      Map.ofEntries(
          Map.entry("torch.float64", DType.F64),
          Map.entry("torch.float32", DType.F32),
          Map.entry("torch.float16", DType.F16),
          Map.entry("torch.bfloat16", DType.BF16),
          Map.entry("torch.int64", DType.I64),
          Map.entry("torch.int32", DType.I32),
          Map.entry("torch.int16", DType.I16),
          Map.entry("torch.int8", DType.I8),
          Map.entry("torch.uint64", DType.U64),
          Map.entry("torch.uint32", DType.U32),
          Map.entry("torch.uint16", DType.U16),
          Map.entry("torch.uint8", DType.U8),
          Map.entry("torch.bool", DType.BOOL),
          Map.entry("torch.complex64", DType.C64),
          Map.entry("torch.float8_e4m3fn", DType.F8_E4M3),
          Map.entry("torch.float8_e5m2", DType.F8_E5M2),
          Map.entry("torch.float8_e4m3fnuz", DType.F8_E4M3FNUZ),
          Map.entry("torch.float8_e5m2fnuz", DType.F8_E5M2FNUZ),
          Map.entry("torch.float8_e8m0fnu", DType.F8_E8M0));

  /** Types that safetensors lacks. */
  private static final Pattern OTHER_TYPE =
      Pattern.compile("torch\\.([A-Z]\\w{0,30}Storage|(complex|q?u?int|bits|float)\\w{1,20})");

  private record StorageClass(DType dtype) {}

  private final Map<String, Storage> storages = new HashMap<>();

  /** Every storage that the pickle refers to, by key. */
  Map<String, Storage> storages() {
    return storages;
  }

  @Override
  public Object global(String module, String name) throws PickleException {
    // Protocol 2 spells the module as Python 2 did.
    String global = (module.equals("__builtin__") ? "builtins" : module) + "." + name;
    DType storage = STORAGES.get(global);
    if (storage != null) {
      return new StorageClass(storage);
    }
    Object known = GLOBALS.getOrDefault(global, DTYPES.get(global));
    if (known == null) {
      String shown = PrintableText.of(global);
      throw new PickleException(
          OTHER_TYPE.matcher(global).matches()
              ? "tensors of '%s' are not supported; save them as another type".formatted(shown)
              : "'%s' is not a constructor of tensors; the file is refused, nothing was executed"
                  .formatted(shown));
    }
    return known;
  }

  @Override
  public Object call(Object callable, List<Object> arguments) throws PickleException {
    if (!(callable instanceof Function function)) {
      throw new PickleException("something that is not a constructor is called");
    }
    return switch (function) {
      case TENSOR_V1, TENSOR_V2 -> {
        Storage storage = argument(arguments, 0, Storage.class);
        requirePlain(arguments, 6);
        yield tensor(storage, storage.dtype(), arguments);
      }
      case TENSOR_V3 -> {
        requirePlain(arguments, 7);
        yield tensor(
            argument(arguments, 0, Storage.class), argument(arguments, 6, DType.class), arguments);
      }
      case PARAMETER -> argument(arguments, 0, StoredTensor.class);
      case FROM_TYPE ->
          call(argument(arguments, 0, Function.class), list(argument(arguments, 2, List.class)));
      case ORDERED_DICT -> orderedDict(arguments);
      case SIZE -> argument(arguments, 0, List.class);
      case OPAQUE -> Constant.OPAQUE;
      case TYPE -> throw new PickleException("a tensor class is called as a constructor");
    };
  }

  private static StoredTensor tensor(Storage storage, DType dtype, List<Object> arguments)
      throws PickleException {
    return StoredTensor.of(
        storage,
        dtype,
        argument(arguments, 1, Long.class),
        longs(argument(arguments, 2, List.class)),
        longs(argument(arguments, 3, List.class)));
  }

  /** A view that negates or conjugates holds other values than its storage. */
  private static void requirePlain(List<Object> arguments, int index) throws PickleException {
    if (index < arguments.size() && arguments.get(index) instanceof Map<?, ?> metadata) {
      for (String bit : new String[] {"conj", "neg"}) {
        if (Boolean.TRUE.equals(metadata.get(bit))) {
          throw new PickleException(
              "a tensor is a view that changes its values ('%s'); save it anew after .resolve_%s()"
                  .formatted(bit, bit));
        }
      }
    }
  }

  private static Map<Object, Object> orderedDict(List<Object> arguments) throws PickleException {
    Map<Object, Object> map = new LinkedHashMap<>();
    if (!arguments.isEmpty()) {
      for (Object pair : argument(arguments, 0, List.class)) {
        if (!(pair instanceof List<?> items)
            || items.size() != 2
            || !(items.get(0) instanceof String key)) {
          throw new PickleException("expected pairs of a string and a value in an OrderedDict");
        }
        map.put(key, items.get(1));
      }
    }
    return map;
  }

  /** {@code ('storage', class, key, location, element count, …)}. */
  @Override
  public Object persistent(Object id) throws PickleException {
    if (!(id instanceof List<?> list) || list.size() < 5 || !"storage".equals(list.get(0))) {
      throw new PickleException("expected a storage as persistent id, found something else");
    }
    List<Object> fields = list(list);
    DType dtype = argument(fields, 1, StorageClass.class).dtype();
    String key = argument(fields, 2, String.class);
    long count = argument(fields, 4, Long.class);
    if (count < 0 || count > Long.MAX_VALUE / dtype.bytes()) {
      throw new PickleException("storage '%s' claims %d elements".formatted(key, count));
    }
    if (fields.size() > 5 && fields.get(5) != Constant.NONE) {
      throw new PickleException("storage '%s' is a view of another; save it anew".formatted(key));
    }
    Storage storage = new Storage(key, dtype, count);
    Storage known = storages.putIfAbsent(key, storage);
    if (known != null && known.byteCount() != storage.byteCount()) {
      throw new PickleException("storage '%s' is described in two ways".formatted(key));
    }
    return storage;
  }

  private static <T> T argument(List<Object> arguments, int index, Class<T> type)
      throws PickleException {
    if (index >= arguments.size() || !type.isInstance(arguments.get(index))) {
      throw new PickleException(
          "expected a %s as argument %d of a constructor".formatted(type.getSimpleName(), index));
    }
    return type.cast(arguments.get(index));
  }

  private static List<Object> list(List<?> values) {
    return new ArrayList<>(values);
  }

  private static List<Long> longs(List<?> values) throws PickleException {
    List<Long> longs = new ArrayList<>();
    for (Object value : values) {
      if (!(value instanceof Long number)) {
        throw new PickleException(
            "expected whole numbers as shape and strides, found "
                + (value instanceof BigInteger ? "one of over 64 bits" : "another object"));
      }
      longs.add(number);
    }
    return longs;
  }
}
