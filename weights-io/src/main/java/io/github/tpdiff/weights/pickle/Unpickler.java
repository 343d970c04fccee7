package io.github.tpdiff.weights.pickle;

import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A pickle machine for data: builds numbers, strings, lists, dictionaries and what {@link
 * Constructors} allows, from the opcodes that torch writes.
 *
 * <p>Values are {@code Long}, {@code BigInteger}, {@code Double}, {@code Boolean}, {@code String},
 * {@code List} (lists and tuples), {@code Map} and {@link Constant}. Memory is bounded by the
 * length of the stream and by {@link #MAX_OPCODES}.
 */
final class Unpickler {

  /** Longest stream that is read. */
  static final int MAX_BYTES = 32 << 20;

  /** Most steps taken; each makes at most one small object. */
  static final int MAX_OPCODES = 8_000_000;

  /** Values of which only the presence matters. */
  enum Constant {
    NONE,
    OPAQUE,
    MARK
  }

  private final ByteBuffer in;
  private final Constructors constructors;
  private final List<Object> stack = new ArrayList<>();
  private final Map<Integer, Object> memo = new HashMap<>();

  private Unpickler(ByteBuffer in, Constructors constructors) {
    this.in = in;
    this.constructors = constructors;
  }

  /**
   * Reads the pickle at the buffer's position, which moves behind it.
   *
   * @throws PickleException when it is damaged or asks for more than data
   */
  static Object load(ByteBuffer in, Constructors constructors) throws PickleException {
    try {
      return new Unpickler(in.order(ByteOrder.LITTLE_ENDIAN), constructors).run();
    } catch (BufferUnderflowException end) {
      throw new PickleException("the pickle ends before its STOP");
    }
  }

  private Object run() throws PickleException {
    for (int step = 0; step < MAX_OPCODES; step++) {
      int opcode = in.get() & 0xff;
      if (opcode == '.') {
        return pop();
      }
      if (!literal(opcode) && !container(opcode)) {
        execute(opcode);
      }
    }
    throw new PickleException("the pickle takes more than %d steps".formatted(MAX_OPCODES));
  }

  /** Opcodes that push a value found in the stream. */
  private boolean literal(int opcode) throws PickleException {
    switch (opcode) {
      case 'N' -> push(Constant.NONE);
      case 0x88 -> push(true);
      case 0x89 -> push(false);
      case 'J' -> push((long) in.getInt());
      case 'K' -> push(in.get() & 0xffL);
      case 'M' -> push(in.getShort() & 0xffffL);
      case 0x8a -> push(integer(in.get() & 0xff));
      case 0x8b -> push(integer(length(in.getInt(), 1 << 10)));
      case 'G' -> push(in.order(ByteOrder.BIG_ENDIAN).getDouble());
      case 'X', 'T' -> push(text(length(in.getInt(), MAX_BYTES)));
      case 0x8c, 'U' -> push(text(in.get() & 0xff));
      case 0x8d -> push(text(length(in.getLong(), MAX_BYTES)));
      case 'B' -> skipBytes(length(in.getInt(), MAX_BYTES));
      case 'C' -> skipBytes(in.get() & 0xff);
      case 0x8e, 0x96 -> skipBytes(length(in.getLong(), MAX_BYTES));
      default -> {
        return false;
      }
    }
    in.order(ByteOrder.LITTLE_ENDIAN);
    return true;
  }

  /** Opcodes that build tuples, lists and dictionaries. */
  private boolean container(int opcode) throws PickleException {
    switch (opcode) {
      case '(' -> push(Constant.MARK);
      case ')', ']', 0x8f -> push(new ArrayList<>(0));
      case '}' -> push(new LinkedHashMap<>());
      case 't', 0x91 -> push(popToMark());
      case 0x85 -> push(pop(1));
      case 0x86 -> push(pop(2));
      case 0x87 -> push(pop(3));
      case 'a' -> {
        Object item = pop();
        list(peek()).add(item);
      }
      case 'e', 0x90 -> {
        List<Object> items = popToMark();
        list(peek()).addAll(items);
      }
      case 's' -> setItems(pop(2));
      case 'u' -> setItems(popToMark());
      default -> {
        return false;
      }
    }
    return true;
  }

  private void execute(int opcode) throws PickleException {
    switch (opcode) {
      case 0x80 -> protocol(in.get() & 0xff);
      case 0x95 -> length(in.getLong(), MAX_BYTES);
      case '0' -> pop();
      case '1' -> popToMark();
      case '2' -> push(peek());
      case 'q' -> memo.put(in.get() & 0xff, peek());
      case 'r' -> memo.put(in.getInt(), peek());
      case 0x94 -> memo.put(memo.size(), peek());
      case 'h' -> push(recall(in.get() & 0xff));
      case 'j' -> push(recall(in.getInt()));
      case 'c' -> {
        String module = line();
        push(constructors.global(module, line()));
      }
      case 0x93 -> {
        List<Object> names = pop(2);
        push(constructors.global(string(names.get(0)), string(names.get(1))));
      }
      case 'R', 0x81 -> {
        List<Object> operands = pop(2);
        push(constructors.call(operands.get(0), list(operands.get(1))));
      }
      case 'b' -> build(pop());
      case 'Q' -> push(constructors.persistent(pop()));
      default ->
          throw new PickleException(
              "opcode 0x%02x at byte %d is not one that torch writes"
                  .formatted(opcode, in.position() - 1));
    }
  }

  private static void protocol(int version) throws PickleException {
    if (version > 5) {
      throw new PickleException("expected pickle protocol 5 or less, found " + version);
    }
  }

  /** Dictionaries carry attributes such as {@code _metadata}, which say nothing about tensors. */
  private void build(Object state) throws PickleException {
    boolean harmless = peek() instanceof Map ? state instanceof Map : peek() == Constant.OPAQUE;
    if (!harmless) {
      throw new PickleException("attributes are set on something that is not a dictionary");
    }
  }

  private void setItems(List<Object> items) throws PickleException {
    if (!(peek() instanceof Map<?, ?>)) {
      throw new PickleException("items are set on something that is not a dictionary");
    }
    if (items.size() % 2 != 0) {
      throw new PickleException("a dictionary gets a key without a value");
    }
    @SuppressWarnings("unchecked") // the machine makes no other maps
    Map<Object, Object> map = (Map<Object, Object>) peek();
    for (int i = 0; i < items.size(); i += 2) {
      map.put(key(items.get(i)), items.get(i + 1));
    }
  }

  /** Containers as keys are told apart by identity: hashing shared ones may take forever. */
  private static Object key(Object key) {
    boolean plain =
        key instanceof String
            || key instanceof Long
            || key instanceof BigInteger
            || key instanceof Boolean
            || key instanceof Double;
    return plain ? key : new Object();
  }

  @SuppressWarnings("unchecked") // the machine makes no other lists
  private static List<Object> list(Object value) throws PickleException {
    if (!(value instanceof List)) {
      throw new PickleException("expected a list or tuple, found another object");
    }
    return (List<Object>) value;
  }

  private static String string(Object value) throws PickleException {
    if (!(value instanceof String text)) {
      throw new PickleException("expected a string, found another object");
    }
    return text;
  }

  private Object recall(int index) throws PickleException {
    Object value = memo.get(index);
    if (value == null) {
      throw new PickleException("memo entry %d was never stored".formatted(index));
    }
    return value;
  }

  private void push(Object value) {
    stack.add(value);
  }

  private Object peek() throws PickleException {
    if (stack.isEmpty()) {
      throw new PickleException("the pickle takes a value from an empty stack");
    }
    return stack.get(stack.size() - 1);
  }

  private Object pop() throws PickleException {
    return pop(1).get(0);
  }

  private List<Object> pop(int count) throws PickleException {
    int start = stack.size() - count;
    if (start < 0 || stack.subList(start, stack.size()).contains(Constant.MARK)) {
      throw new PickleException("the pickle takes a value from an empty stack");
    }
    List<Object> tail = stack.subList(start, stack.size());
    List<Object> popped = new ArrayList<>(tail);
    tail.clear();
    return popped;
  }

  private List<Object> popToMark() throws PickleException {
    int mark = stack.size() - 1;
    while (mark >= 0 && stack.get(mark) != Constant.MARK) {
      mark--;
    }
    if (mark < 0) {
      throw new PickleException("the pickle takes values down to a mark that is not there");
    }
    List<Object> popped = pop(stack.size() - mark - 1);
    stack.remove(mark);
    return popped;
  }

  private int length(long announced, int limit) throws PickleException {
    if (announced < 0 || announced > Math.min(in.remaining(), limit)) {
      throw new PickleException(
          "a value of %s bytes is announced, %d follow"
              .formatted(Long.toUnsignedString(announced), in.remaining()));
    }
    return (int) announced;
  }

  private Object integer(int length) {
    byte[] bigEndian = new byte[length];
    for (int i = length - 1; i >= 0; i--) {
      bigEndian[i] = in.get();
    }
    BigInteger value = length == 0 ? BigInteger.ZERO : new BigInteger(bigEndian);
    return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
  }

  private void skipBytes(int length) {
    if (length > in.remaining()) {
      throw new BufferUnderflowException();
    }
    in.position(in.position() + length);
    push(Constant.OPAQUE);
  }

  private String text(int length) throws PickleException {
    if (length > in.remaining()) {
      throw new BufferUnderflowException();
    }
    ByteBuffer bytes = in.slice(in.position(), length);
    in.position(in.position() + length);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException malformed) {
      throw new PickleException("a string is not UTF-8");
    }
  }

  private String line() throws PickleException {
    int start = in.position();
    while (in.get() != '\n') {
      if (in.position() - start > 1000) {
        throw new PickleException("a global name is longer than 1000 bytes");
      }
    }
    int length = in.position() - 1 - start;
    in.position(start);
    String line = text(length);
    in.get();
    return line;
  }
}
