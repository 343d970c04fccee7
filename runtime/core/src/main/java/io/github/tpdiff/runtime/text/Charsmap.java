package io.github.tpdiff.runtime.text;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.IntBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.BitSet;

/**
 * SentencePiece's table of replacements ({@code precompiled_charsmap}): the length of a trie, the
 * trie, the replacements behind each other, each closed by a zero.
 *
 * <p>The trie is a double array of 32-bit units as darts-clone writes it. Readers follow its
 * offsets without looking, so that every one that a text can reach is looked at here.
 */
final class Charsmap {
  /** The published table has 240 kB. */
  private static final int MOST_BYTES = 1 << 22;

  /** The longest replacement of NFKC has 33 bytes. */
  private static final int LONGEST = 64;

  private final IntBuffer trie;
  private final ByteBuffer replacements;

  private Charsmap(IntBuffer trie, ByteBuffer replacements) {
    this.trie = trie;
    this.replacements = replacements;
  }

  /**
   * Reads a table.
   *
   * @throws io.github.tpdiff.weights.CheckpointException if it is not one
   */
  static Charsmap read(CheckedField field) {
    byte[] bytes;
    try {
      bytes = Base64.getDecoder().decode(field.text(MOST_BYTES));
    } catch (IllegalArgumentException notBase64) {
      throw field.wrong("base64", notBase64);
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    field.require(bytes.length >= Integer.BYTES, "a table of replacements");
    long length = Integer.toUnsignedLong(buffer.getInt());
    field.require(
        length > 0 && length % Integer.BYTES == 0 && length <= buffer.remaining(),
        "a trie as long as the table says");
    ByteBuffer units = buffer.slice(Integer.BYTES, (int) length).order(ByteOrder.LITTLE_ENDIAN);
    int from = Integer.BYTES + (int) length;
    ByteBuffer replacements = buffer.slice(from, bytes.length - from);
    var map = new Charsmap(units.asIntBuffer(), replacements);
    field.require(isText(replacements.duplicate()), "replacements in UTF-8");
    field.require(map.isSound(), "a trie within its bounds and replacements of one text each");
    return map;
  }

  private static boolean isText(ByteBuffer bytes) {
    try {
      CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(bytes);
      return text.limit() >= 0;
    } catch (CharacterCodingException malformed) {
      return false;
    }
  }

  /** Whether a character is replaced by itself: what stands for it is not empty. */
  boolean keeps(char ascii) {
    long root = offset(trie.get(0));
    int unit = trie.get((int) (root ^ ascii));
    return label(unit) != ascii || !hasLeaf(unit);
  }

  private boolean isSound() {
    var seen = new BitSet(trie.limit());
    var open = new ArrayDeque<Integer>();
    long root = offset(trie.get(0));
    if (!isBlock(root)) {
      return false;
    }
    seen.set((int) root);
    open.add((int) root);
    while (!open.isEmpty()) {
      int base = open.remove();
      for (int symbol = 1; symbol < 256; symbol++) {
        int unit = trie.get(base ^ symbol);
        if (label(unit) != symbol) {
          continue;
        }
        long next = (base ^ symbol) ^ offset(unit);
        if (!isBlock(next)
            || (hasLeaf(unit) && !isReplacement(trie.get((int) next) & Integer.MAX_VALUE))) {
          return false;
        }
        if (!seen.get((int) next)) {
          seen.set((int) next);
          open.add((int) next);
        }
      }
    }
    return true;
  }

  /** Whether a whole byte may be added to a position: the units of its block are all there. */
  private boolean isBlock(long base) {
    return (base | 255) < trie.limit();
  }

  private boolean isReplacement(int start) {
    if (start > replacements.limit() || isInsideCharacter(start)) {
      return false;
    }
    int end = start;
    while (end < replacements.limit() && replacements.get(end) != 0) {
      end++;
    }
    return end - start <= LONGEST;
  }

  private boolean isInsideCharacter(int position) {
    return position < replacements.limit() && (replacements.get(position) & 0xC0) == 0x80;
  }

  private static long offset(int unit) {
    return Integer.toUnsignedLong(unit >>> 10) << ((unit & (1 << 9)) >>> 6);
  }

  private static int label(int unit) {
    return unit & (Integer.MIN_VALUE | 0xFF);
  }

  private static boolean hasLeaf(int unit) {
    return (unit >>> 8 & 1) == 1;
  }
}
