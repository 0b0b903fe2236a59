package dev.loupe.standalone.demo;

import com.google.common.collect.AbstractIterator;
import com.google.common.collect.Iterators;
import dev.loupe.standalone.corpus.LabelledDocument;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A reader's own text: a {@code .txt} file, a {@code .jsonl} file with a "text" field on every
 * line, or a folder of such files. Long texts are cut into pieces; one piece in eight is held out.
 */
final class FileText implements TextSource {
  private static final int HELD_OUT_EACH = 8;

  private final Path path;
  private final List<Path> files;

  /**
   * Looks at the path; the files are read when their documents are asked for.
   *
   * @throws DemoException if there is nothing to read
   */
  FileText(Path path) {
    this.path = path;
    this.files = files(path);
    if (files.stream().allMatch(DocumentFile::isBlank)) {
      throw new DemoException("--corpus " + path + " holds no text");
    }
  }

  @Override
  public String description() {
    return path + " (" + files.size() + (files.size() == 1 ? " file)" : " files)");
  }

  @Override
  public String fingerprint() {
    StringBuilder names = new StringBuilder("files");
    for (Path file : files) {
      try {
        names.append('\n').append(file.toAbsolutePath()).append(' ').append(Files.size(file));
        names.append(' ').append(Files.getLastModifiedTime(file).toMillis());
      } catch (IOException e) {
        throw unreadable(file, e);
      }
    }
    return Fingerprint.of(names.toString());
  }

  @Override
  public List<String> concepts() {
    return List.of();
  }

  @Override
  public Iterator<LabelledDocument> training() {
    return numbered(false);
  }

  @Override
  public Iterator<LabelledDocument> heldOut() {
    return numbered(true);
  }

  private Iterator<LabelledDocument> numbered(boolean heldOut) {
    Iterator<String> pieces =
        Iterators.concat(Iterators.transform(files.iterator(), DocumentFile::open));
    return new AbstractIterator<>() {
      private long index = -1;

      @Override
      protected LabelledDocument computeNext() {
        while (pieces.hasNext()) {
          String piece = pieces.next();
          index++;
          if ((index % HELD_OUT_EACH == 0) == heldOut) {
            return new LabelledDocument(piece, List.of());
          }
        }
        return endOfData();
      }
    };
  }

  private static List<Path> files(Path path) {
    if (!Files.exists(path)) {
      throw new DemoException("--corpus " + path + " does not exist");
    }
    if (!Files.isDirectory(path)) {
      return List.of(DocumentFile.checked(path));
    }
    try (Stream<Path> walk = Files.walk(path)) {
      List<Path> found = walk.filter(DocumentFile::accepted).sorted().toList();
      if (found.isEmpty()) {
        throw new DemoException(
            "--corpus " + path + " holds no .txt or .jsonl file, also in its folders");
      }
      return found;
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  static DemoException unreadable(Path file, Exception cause) {
    return new DemoException("--corpus: " + file + " cannot be read: " + cause, cause);
  }
}
