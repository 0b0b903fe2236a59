package dev.loupe.inference.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Damages files: seeded, and with an eye for what JSON and numbers in it do to a reader. */
public final class Mutator {
  private static final String[] PIECES = {
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "\\",
    "\\u0000",
    "\\ud800",
    "null",
    "true",
    "false",
    "NaN",
    "-Infinity",
    "1e999",
    "-1",
    "0",
    "0.5",
    "2147483648",
    "9223372036854775807",
    "18446744073709551616",
    "1e-400",
    "\u0000",
    " ",
    "\n",
    "/",
    "..",
    "a",
    "\"\":",
    "F32",
    "BF16",
    "\"shape\":[9999999999]",
    "\"dtype\":\"F64\",",
    "\"model_type\":\"gpt2\",",
    "\u0120",
    "\u00e9"
  };

  private final SplittableRandom random;

  /** The same seed damages alike. */
  public Mutator(long seed) {
    this.random = new SplittableRandom(seed);
  }

  /** A damaged copy; one in a thousand is nested deeply, or long. */
  public byte[] mutated(byte[] whole) {
    byte[] bytes = whole;
    for (int i = random.nextInt(1, 5); i > 0; i--) {
      bytes = once(bytes);
    }
    return bytes;
  }

  /** A random number from 0 to below the bound. */
  public int nextInt(int bound) {
    return random.nextInt(bound);
  }

  /** Any number. */
  public long nextLong() {
    return random.nextLong() >> random.nextInt(64);
  }

  private byte[] once(byte[] bytes) {
    int at = random.nextInt(bytes.length + 1);
    int cut = Math.min(random.nextInt(1, 40), bytes.length - at);
    if (random.nextInt(500) == 0) {
      return replaced(bytes, at, 0, deep());
    }
    return switch (random.nextInt(7)) {
      case 0 -> replaced(bytes, at, Math.min(1, cut), piece());
      case 1 -> replaced(bytes, at, 0, piece());
      case 2 -> replaced(bytes, at, cut, new byte[0]);
      case 3 -> flipped(bytes, at);
      case 4 -> {
        int from = random.nextInt(bytes.length + 1);
        int to = Math.min(bytes.length, from + random.nextInt(1, 80));
        yield replaced(bytes, at, 0, Arrays.copyOfRange(bytes, from, to));
      }
      case 5 -> number(bytes, at);
      default ->
          random.nextInt(20) == 0 ? Arrays.copyOf(bytes, at) : replaced(bytes, at, cut, piece());
    };
  }

  private byte[] piece() {
    return PIECES[random.nextInt(PIECES.length)].getBytes(StandardCharsets.UTF_8);
  }

  private byte[] deep() {
    int times = random.nextInt(1, 20_000);
    return switch (random.nextInt(4)) {
      case 0 -> "[".repeat(times).getBytes(StandardCharsets.UTF_8);
      case 1 -> "{\"a\":".repeat(times).getBytes(StandardCharsets.UTF_8);
      case 2 -> "9".repeat(times).getBytes(StandardCharsets.UTF_8);
      default -> "\"".concat("x".repeat(times)).getBytes(StandardCharsets.UTF_8);
    };
  }

  /** Another number in the place of the next one. */
  private byte[] number(byte[] bytes, int from) {
    int at = from;
    while (at < bytes.length && (bytes[at] < '0' || bytes[at] > '9')) {
      at++;
    }
    int end = at;
    while (end < bytes.length && bytes[end] >= '0' && bytes[end] <= '9') {
      end++;
    }
    byte[] other = Long.toString(nextLong()).getBytes(StandardCharsets.UTF_8);
    return replaced(bytes, at, end - at, other);
  }

  private byte[] flipped(byte[] bytes, int at) {
    byte[] copy = bytes.clone();
    if (at < copy.length) {
      copy[at] ^= (byte) (1 << random.nextInt(8));
    }
    return copy;
  }

  private static byte[] replaced(byte[] bytes, int at, int cut, byte[] by) {
    byte[] copy = new byte[bytes.length - cut + by.length];
    System.arraycopy(bytes, 0, copy, 0, at);
    System.arraycopy(by, 0, copy, at, by.length);
    System.arraycopy(bytes, at + cut, copy, at + by.length, bytes.length - at - cut);
    return copy;
  }
}
