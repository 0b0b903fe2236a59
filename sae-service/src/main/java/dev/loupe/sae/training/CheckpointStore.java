package dev.loupe.sae.training;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.errors.StorageErrors;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** The checkpoints of training that has not ended: one file each, named by its dictionary's id. */
public final class CheckpointStore {
  private static final String SUFFIX = ".safetensors";

  private final Path folder;

  /** The checkpoints in a folder, which need not be there yet. */
  public CheckpointStore(Path folder) {
    this.folder = folder;
  }

  /** Where the checkpoint of a dictionary's training is, or will be. */
  public Path file(String dictionary) {
    return folder.resolve(dictionary + SUFFIX);
  }

  /**
   * All checkpoints that can be read, by dictionary.
   *
   * @throws LoupeException STORAGE_UNAVAILABLE
   */
  public List<CheckpointDescription> list() {
    List<CheckpointDescription> found = new ArrayList<>();
    if (!Files.isDirectory(folder)) {
      return found;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "[a-z]*" + SUFFIX)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        Optional<CheckpointDescription> described =
            Checkpoint.describe(file, name.substring(0, name.length() - SUFFIX.length()));
        described.ifPresent(found::add);
      }
    } catch (IOException e) {
      throw StorageErrors.of("the list of checkpoints", e);
    }
    found.sort(Comparator.comparing(CheckpointDescription::dictionary));
    return found;
  }

  /**
   * Deletes a checkpoint, readable or not.
   *
   * @throws LoupeException CHECKPOINT_NOT_FOUND, STORAGE_UNAVAILABLE
   */
  public void delete(String dictionary) {
    try {
      if (!Files.deleteIfExists(file(dictionary))) {
        throw LoupeException.of(
                ErrorReason.CHECKPOINT_NOT_FOUND,
                "there is no checkpoint checkpoints/" + dictionary)
            .with("checkpoint", "checkpoints/" + dictionary);
      }
    } catch (IOException e) {
      throw StorageErrors.of("the checkpoint", e);
    }
  }
}
