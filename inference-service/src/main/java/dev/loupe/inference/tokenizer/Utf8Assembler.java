package dev.loupe.inference.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Turns bytes that arrive in pieces into text that never ends inside a character: the bytes of an
 * unfinished character wait for the next piece. Bytes that can no longer become a character give
 * U+FFFD. Not safe for use by several threads.
 */
public final class Utf8Assembler {
  /** The longest UTF-8 character less one byte. */
  private static final int MAX_WAITING = 3;

  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);
  private byte[] waiting = new byte[0];

  /** Takes the next bytes; returns the text that they complete, which may be empty. */
  public String push(byte[] bytes) {
    return decode(bytes, false);
  }

  /** Ends the text: what still waits can become no character any more. */
  public String finish() {
    String rest = decode(new byte[0], true);
    decoder.reset();
    return rest;
  }

  private String decode(byte[] bytes, boolean last) {
    ByteBuffer in = ByteBuffer.allocate(waiting.length + bytes.length).put(waiting).put(bytes);
    in.flip();
    CharBuffer out = CharBuffer.allocate(in.remaining() + MAX_WAITING);
    decoder.decode(in, out, last);
    if (last) {
      decoder.flush(out);
    }
    waiting = new byte[in.remaining()];
    in.get(waiting);
    return out.flip().toString();
  }
}
