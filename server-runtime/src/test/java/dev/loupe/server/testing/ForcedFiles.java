package dev.loupe.server.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

/** Sees which files and folders this process forces to the disk, with the JDK's flight recorder. */
public final class ForcedFiles {
  private static final String FORCE = "jdk.FileForce";

  private ForcedFiles() {}

  /** Changes files. */
  @FunctionalInterface
  public interface Change {
    /** Does it. */
    void run() throws IOException;
  }

  /** What is forced below a folder while something is done, in the order in which it is. */
  public static List<Path> during(Path folder, Change change) throws IOException {
    Path file = Files.createTempFile("forced", ".jfr");
    try (Recording recording = new Recording()) {
      recording.enable(FORCE).withThreshold(Duration.ZERO).withoutStackTrace();
      recording.start();
      change.run();
      recording.stop();
      recording.dump(file);
      return RecordingFile.readAllEvents(file).stream()
          .filter(event -> event.getEventType().getName().equals(FORCE))
          .sorted(Comparator.comparing(RecordedEvent::getStartTime))
          .map(event -> Path.of(event.getString("path")))
          .filter(path -> path.startsWith(folder))
          .toList();
    } finally {
      Files.delete(file);
    }
  }
}
