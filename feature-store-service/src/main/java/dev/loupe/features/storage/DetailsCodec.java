package dev.loupe.features.storage;

import dev.loupe.features.domain.ActivationHistogram;
import dev.loupe.features.domain.FeatureDetails;
import dev.loupe.features.domain.FeatureExample;
import dev.loupe.features.domain.FeatureNeighbour;
import dev.loupe.features.domain.LogitEffects;
import dev.loupe.features.domain.TokenEffect;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The binary form of a feature's details, version 2.
 *
 * <pre>
 * details   = version:byte histogram examples effects effects neighbours raw
 * histogram = 0:byte | 1:byte lower:f64 upper:f64 n:varint { count:varint }
 * examples  = n:varint { tokens:varint { text } { value:f32 } peak:varint whole }
 * whole     = n:varint { id:varint } text n:varint { end:varint }
 * effects   = n:varint { id:varint text logit:f32 }
 * neighbours = n:varint { index:varint cosine:f32 }
 * raw       = effects effects scale:f64
 * text      = bytes:varint { UTF-8 }
 * </pre>
 *
 * Numbers of fixed width are big-endian; a varint has seven bits a byte, lowest first, and is not
 * negative. Version 1, which is still read, has neither {@code whole} nor {@code raw}.
 */
final class DetailsCodec {
  private static final int VERSION = 2;

  private DetailsCodec() {}

  static byte[] encode(FeatureDetails details) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(4096);
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(VERSION);
      out.writeByte(details.histogram().isPresent() ? 1 : 0);
      if (details.histogram().isPresent()) {
        writeHistogram(out, details.histogram().get());
      }
      writeVarint(out, details.examples().size());
      for (FeatureExample example : details.examples()) {
        writeExample(out, example);
      }
      writeEffects(out, details.logits().top());
      writeEffects(out, details.logits().bottom());
      writeVarint(out, details.neighbours().size());
      for (FeatureNeighbour neighbour : details.neighbours()) {
        writeVarint(out, neighbour.index());
        out.writeFloat(neighbour.cosine());
      }
      writeEffects(out, details.logits().rawTop());
      writeEffects(out, details.logits().rawBottom());
      out.writeDouble(details.logits().finalNormScale());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  static FeatureDetails decode(byte[] bytes) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      int version = in.readByte();
      if (version < 1 || version > VERSION) {
        throw new IOException(
            "details of version " + version + "; those up to " + VERSION + " are known");
      }
      boolean whole = version > 1;
      Optional<ActivationHistogram> histogram =
          in.readByte() == 1 ? Optional.of(readHistogram(in)) : Optional.empty();
      int exampleCount = readCount(in);
      List<FeatureExample> examples = new ArrayList<>(exampleCount);
      for (int i = 0; i < exampleCount; i++) {
        examples.add(readExample(in, whole));
      }
      List<TokenEffect> top = readEffects(in);
      List<TokenEffect> bottom = readEffects(in);
      int neighbourCount = readCount(in);
      List<FeatureNeighbour> neighbours = new ArrayList<>(neighbourCount);
      for (int i = 0; i < neighbourCount; i++) {
        neighbours.add(new FeatureNeighbour(readVarint(in), in.readFloat()));
      }
      List<TokenEffect> rawTop = whole ? readEffects(in) : List.of();
      List<TokenEffect> rawBottom = whole ? readEffects(in) : List.of();
      double scale = whole ? in.readDouble() : 0;
      return new FeatureDetails(
          histogram, examples, new LogitEffects(top, bottom, rawTop, rawBottom, scale), neighbours);
    } catch (IOException e) {
      throw new UncheckedIOException("a stored feature cannot be read", e);
    }
  }

  private static void writeHistogram(DataOutputStream out, ActivationHistogram histogram)
      throws IOException {
    out.writeDouble(histogram.lower());
    out.writeDouble(histogram.upper());
    writeVarint(out, histogram.counts().size());
    for (long count : histogram.counts()) {
      writeVarint(out, count);
    }
  }

  private static ActivationHistogram readHistogram(DataInputStream in) throws IOException {
    double lower = in.readDouble();
    double upper = in.readDouble();
    int n = readCount(in);
    List<Long> counts = new ArrayList<>(n);
    for (int i = 0; i < n; i++) {
      counts.add(readVarint(in));
    }
    return new ActivationHistogram(lower, upper, counts);
  }

  private static void writeExample(DataOutputStream out, FeatureExample example)
      throws IOException {
    writeVarint(out, example.tokens().size());
    for (String token : example.tokens()) {
      writeText(out, token);
    }
    for (float value : example.values()) {
      out.writeFloat(value);
    }
    writeVarint(out, example.peak());
    writeInts(out, example.ids());
    writeText(out, example.text());
    writeInts(out, example.byteEnds());
  }

  private static FeatureExample readExample(DataInputStream in, boolean whole) throws IOException {
    int n = readCount(in);
    List<String> tokens = new ArrayList<>(n);
    for (int i = 0; i < n; i++) {
      tokens.add(readText(in));
    }
    List<Float> values = new ArrayList<>(n);
    for (int i = 0; i < n; i++) {
      values.add(in.readFloat());
    }
    int peak = (int) readVarint(in);
    List<Integer> ids = whole ? readInts(in) : List.of();
    String text = whole ? readText(in) : "";
    List<Integer> byteEnds = whole ? readInts(in) : List.of();
    return new FeatureExample(tokens, values, peak, ids, text, byteEnds);
  }

  private static void writeInts(DataOutputStream out, List<Integer> values) throws IOException {
    writeVarint(out, values.size());
    for (int value : values) {
      writeVarint(out, value);
    }
  }

  private static List<Integer> readInts(DataInputStream in) throws IOException {
    int n = readCount(in);
    List<Integer> values = new ArrayList<>(n);
    for (int i = 0; i < n; i++) {
      values.add((int) readVarint(in));
    }
    return values;
  }

  private static void writeEffects(DataOutputStream out, List<TokenEffect> effects)
      throws IOException {
    writeVarint(out, effects.size());
    for (TokenEffect effect : effects) {
      writeVarint(out, effect.id());
      writeText(out, effect.token());
      out.writeFloat(effect.logit());
    }
  }

  private static List<TokenEffect> readEffects(DataInputStream in) throws IOException {
    int n = readCount(in);
    List<TokenEffect> effects = new ArrayList<>(n);
    for (int i = 0; i < n; i++) {
      effects.add(new TokenEffect((int) readVarint(in), readText(in), in.readFloat()));
    }
    return effects;
  }

  private static void writeText(DataOutputStream out, String text) throws IOException {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    writeVarint(out, utf8.length);
    out.write(utf8);
  }

  private static String readText(DataInputStream in) throws IOException {
    byte[] utf8 = new byte[readCount(in)];
    in.readFully(utf8);
    return new String(utf8, StandardCharsets.UTF_8);
  }

  private static void writeVarint(DataOutputStream out, long value) throws IOException {
    long rest = value;
    while (rest >= 0x80) {
      out.writeByte((int) (rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    out.writeByte((int) rest);
  }

  private static long readVarint(DataInputStream in) throws IOException {
    long value = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      int next = in.readUnsignedByte();
      value |= (long) (next & 0x7f) << shift;
      if (next < 0x80) {
        return value;
      }
    }
    throw new IOException("a number does not end");
  }

  /** A count of things that each take at least a byte: more than are left to read is no count. */
  private static int readCount(DataInputStream in) throws IOException {
    long count = readVarint(in);
    if (count > in.available()) {
      throw new IOException("a count of " + count + " with " + in.available() + " bytes left");
    }
    return (int) count;
  }
}
