package dev.loupe.standalone.demo;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.loupe.server.text.Surrogates;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Locale;
import java.util.NoSuchElementException;

/** One file of text, read piece by piece: a file may be larger than memory. */
final class DocumentFile implements Iterator<String>, AutoCloseable {
  /** Pieces of plain text end at the first line break after this many characters. */
  private static final int PIECE = 2_000;

  /** No line may be longer: what is longer is cut. */
  private static final int LONGEST = 100_000;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final BufferedReader reader;
  private final boolean jsonLines;
  private long line;
  private String next;

  private DocumentFile(Path file) throws IOException {
    this.file = file;
    this.jsonLines = file.toString().toLowerCase(Locale.ROOT).endsWith(".jsonl");
    this.reader =
        new BufferedReader(
            new InputStreamReader(
                Files.newInputStream(file),
                StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)));
  }

  /** Whether the name is that of a file of text. */
  static boolean accepted(Path file) {
    String name = file.toString().toLowerCase(Locale.ROOT);
    return Files.isRegularFile(file) && (name.endsWith(".txt") || name.endsWith(".jsonl"));
  }

  /**
   * The file itself.
   *
   * @throws DemoException unless it is a readable file of text
   */
  static Path checked(Path file) {
    if (!accepted(file)) {
      throw new DemoException(
          "--corpus " + file + " is no .txt file, .jsonl file or folder of them");
    }
    if (!Files.isReadable(file)) {
      throw new DemoException("--corpus " + file + " may not be read");
    }
    return file;
  }

  /** The file's texts in order; reading fails with a DemoException that names the line. */
  static DocumentFile open(Path file) {
    try {
      return new DocumentFile(file);
    } catch (IOException e) {
      throw FileText.unreadable(file, e);
    }
  }

  /** Whether there is no text in the file. */
  static boolean isBlank(Path file) {
    try (DocumentFile pieces = open(file)) {
      return !pieces.hasNext();
    }
  }

  @Override
  public boolean hasNext() {
    while (next == null) {
      String piece = read();
      if (piece == null) {
        close();
        return false;
      }
      next = piece.isBlank() ? null : piece;
    }
    return true;
  }

  @Override
  public String next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    String piece = next;
    next = null;
    return piece;
  }

  private String read() {
    try {
      return jsonLines ? readJson() : readText();
    } catch (CharacterCodingException e) {
      throw new DemoException(
          "--corpus: " + file + " is not UTF-8 near line " + (line + 1) + "; convert it first", e);
    } catch (IOException e) {
      throw FileText.unreadable(file, e);
    }
  }

  private String readText() throws IOException {
    StringBuilder piece = new StringBuilder();
    int character;
    while ((character = reader.read()) >= 0) {
      piece.append((char) character);
      boolean lineEnd = character == '\n';
      line += lineEnd ? 1 : 0;
      boolean between = lineEnd || piece.length() > 2 * PIECE && Character.isWhitespace(character);
      if (piece.length() >= PIECE && between
          || piece.length() >= LONGEST && !Character.isHighSurrogate((char) character)) {
        return piece.toString();
      }
    }
    return piece.length() == 0 ? null : piece.toString();
  }

  private String readJson() throws IOException {
    String text = reader.readLine();
    if (text == null) {
      return null;
    }
    line++;
    if (text.isBlank()) {
      return text;
    }
    try {
      JsonNode field = JSON.readTree(text).path("text");
      if (!field.isTextual()) {
        throw new DemoException(
            "--corpus: line " + line + " of " + file + " has no \"text\" field with a string");
      }
      return whole(field.textValue());
    } catch (JsonProcessingException e) {
      throw new DemoException(
          "--corpus: line " + line + " of " + file + " is not JSON: " + e.getOriginalMessage(), e);
    }
  }

  /** JSON can write half of a character, which no tokenizer and no message can hold. */
  private String whole(String value) {
    int half = Surrogates.firstHalf(value);
    if (half >= 0) {
      throw new DemoException(
          "--corpus: line %d of %s has half of a surrogate pair, \\u%04x, at character %d of its text"
              .formatted(line, file, (int) value.charAt(half), half));
    }
    if (value.length() <= LONGEST) {
      return value;
    }
    boolean between = !Character.isHighSurrogate(value.charAt(LONGEST - 1));
    return value.substring(0, between ? LONGEST : LONGEST - 1);
  }

  @Override
  public void close() {
    try {
      reader.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
