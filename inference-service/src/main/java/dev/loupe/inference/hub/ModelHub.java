package dev.loupe.inference.hub;

import dev.loupe.inference.hub.HubException.Kind;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives a folder with a model's files. Of a repository only the configuration, the tokenizer and
 * safetensors weights are fetched: nothing that runs code when it is read.
 */
public final class ModelHub {
  private static final Logger log = LoggerFactory.getLogger(ModelHub.class);

  private final HubSettings settings;
  private final DownloadProgress progress;

  /** A hub; nothing is asked of it yet. */
  public ModelHub(HubSettings settings, DownloadProgress progress) {
    this.settings = settings;
    this.progress = progress;
  }

  /**
   * The folder of a model, downloaded when needed. Without a connection a repository that is whole
   * in the cache is still given.
   *
   * @throws HubException when the files cannot be had
   */
  public Path folder(ModelSource source) {
    return folder(source, DownloadProgress.NONE, WeightsLimit.NONE);
  }

  /**
   * The folder of a model, downloaded when needed and when its weights are within a limit. Without
   * a connection a repository that is whole in the cache is still given.
   *
   * @param watcher told while files arrive, beside the hub's own; what it throws ends the download
   * @throws HubException when the files cannot be had
   */
  public Path folder(ModelSource source, DownloadProgress watcher, WeightsLimit limit) {
    if (source instanceof ModelSource.Folder folder) {
      return folder.path();
    }
    ModelSource.Repository repository = (ModelSource.Repository) source;
    HubCache cache = new HubCache(settings.cache(), repository.id());
    Optional<Path> cached = cached(cache, repository.revision());
    if (settings.offline()) {
      return cached.orElseThrow(() -> notCached(repository));
    }
    try {
      return download(repository, cache, watcher, limit);
    } catch (HubException e) {
      if (e.kind() != Kind.UNREACHABLE || cached.isEmpty()) {
        throw e;
      }
      log.warn("the hub cannot be reached; using {} as it is in the cache", repository.id());
      return cached.get();
    }
  }

  private HubException notCached(ModelSource.Repository repository) {
    return new HubException(
        Kind.UNREACHABLE,
        "%s is not in the cache %s; HF_HUB_OFFLINE is set; unset it to download"
            .formatted(repository.id(), settings.cache()));
  }

  private static Optional<Path> cached(HubCache cache, String revision) {
    try {
      return cache.commit(revision).map(cache::snapshot).filter(ModelFiles::complete);
    } catch (IOException e) {
      throw new HubException(Kind.DISK, "cannot read the model cache: " + e.getMessage(), e);
    }
  }

  private Path download(
      ModelSource.Repository repository,
      HubCache cache,
      DownloadProgress watcher,
      WeightsLimit limit) {
    try {
      Fetch fetch = new Fetch(repository.id(), cache, watcher);
      Path config = fetch.required(ModelFiles.CONFIG, repository.revision());
      String commit = config.getParent().getFileName().toString();
      fetch.bytesLeft = limit.mostBytes(config);
      fetch.tokenizer(commit);
      for (String name : ModelFiles.OPTIONAL) {
        fetch.file(name, commit);
      }
      if (fetch.file(ModelFiles.WEIGHTS, commit).isEmpty()) {
        for (String shard : ModelFiles.shards(fetch.required(ModelFiles.WEIGHTS_INDEX, commit))) {
          fetch.required(shard, commit);
        }
      }
      // Last, so that a branch points only at a commit whose files are all there.
      cache.rememberCommit(repository.revision(), commit);
      return cache.snapshot(commit);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new HubException(Kind.UNREACHABLE, "the download was interrupted", e);
    } catch (IOException e) {
      throw new HubException(Kind.DISK, "cannot write the model cache: " + e.getMessage(), e);
    }
  }

  /** Brings the files of one repository. */
  private final class Fetch {
    private final String repository;
    private final HubCache cache;
    private final HubHttp http = new HubHttp(settings);
    private final HubDownloader downloader;
    private long bytesLeft = Long.MAX_VALUE;

    Fetch(String repository, HubCache cache, DownloadProgress watcher) {
      this.repository = repository;
      this.cache = cache;
      this.downloader =
          new HubDownloader(
              settings,
              http,
              (file, done, total) -> {
                progress.onBytes(file, done, total);
                watcher.onBytes(file, done, total);
              });
    }

    /** A repository without a tokenizer has none of its files: half of a pair is refused. */
    void tokenizer(String commit) throws IOException, InterruptedException {
      boolean whole = file(ModelFiles.TOKENIZER, commit).isPresent();
      if (!whole && file(ModelFiles.VOCAB, commit).isPresent()) {
        required(ModelFiles.MERGES, commit);
      }
    }

    Path required(String name, String revision) throws IOException, InterruptedException {
      return file(name, revision)
          .orElseThrow(
              () ->
                  new HubException(
                      Kind.NOT_FOUND,
                      "%s has no %s; a model needs config.json and weights in model.safetensors or shards with an index, and to read text tokenizer.json or vocab.json and merges.txt"
                          .formatted(repository, name)));
    }

    /** A file in its snapshot folder; empty when the repository has no such file. */
    Optional<Path> file(String name, String revision) throws IOException, InterruptedException {
      URI address =
          URI.create(
              "%s/%s/resolve/%s/%s"
                  .formatted(settings.endpoint(), repository, encoded(revision), encoded(name)));
      HubHttp.Headers headers = headers(address, name);
      boolean noSuchFile =
          headers.status() == 404 && headers.errorCode().map("EntryNotFound"::equals).orElse(true);
      if (noSuchFile) {
        return Optional.empty();
      }
      RemoteFile file = describe(name, headers);
      if (name.endsWith(ModelFiles.WEIGHTS_SUFFIX)) {
        require(file);
      }
      Path blob = downloader.fetch(cache, file);
      return Optional.of(cache.link(file.commit(), name, blob));
    }

    private void require(RemoteFile weights) {
      if (weights.size() > bytesLeft) {
        throw new HubException(
            Kind.CORRUPT,
            "%s/%s has %d bytes; a model of its config.json's shape has at most %d more"
                .formatted(repository, weights.name(), weights.size(), bytesLeft));
      }
      bytesLeft -= weights.size();
    }

    private RemoteFile describe(String name, HubHttp.Headers headers) {
      String commit =
          headers
              .commit()
              .filter(HubCache::isCommit)
              .orElseThrow(() -> notAHub(name, "names no commit (X-Repo-Commit)"));
      ContentHash hash =
          headers
              .tag()
              .flatMap(ContentHash::ofTag)
              .orElseThrow(() -> notAHub(name, "names no hash of the content (ETag)"));
      if (headers.size().isEmpty() || headers.size().getAsLong() < 0) {
        throw notAHub(name, "names no size");
      }
      return new RemoteFile(name, headers.location(), commit, hash, headers.size().getAsLong());
    }

    private HubException notAHub(String name, String lack) {
      return new HubException(
          Kind.CORRUPT,
          "%s: the answer of HF_ENDPOINT %s, so it cannot be checked".formatted(name, lack));
    }

    private HubHttp.Headers headers(URI address, String name) throws InterruptedException {
      Duration pause = settings.pause();
      String problem = "";
      for (int attempt = 1; attempt <= settings.attempts(); attempt++) {
        if (attempt > 1) {
          Thread.sleep(pause.toMillis());
          pause = pause.multipliedBy(2);
        }
        try {
          HubHttp.Headers headers = http.head(address);
          if (headers.status() == 200) {
            return headers;
          }
          if (headers.status() == 404
              && headers.errorCode().map("EntryNotFound"::equals).orElse(true)) {
            return headers;
          }
          HubErrors.throwIfFinal(headers.status(), repository + "/" + name, headers.errorCode());
          problem = "HTTP status " + headers.status();
        } catch (IOException e) {
          problem = e.getClass().getSimpleName() + " " + e.getMessage();
        }
      }
      throw new HubException(
          Kind.UNREACHABLE,
          "%s: the hub at %s cannot be reached: %s"
              .formatted(repository, settings.endpoint(), problem));
    }

    private static String encoded(String part) {
      return URLEncoder.encode(part, StandardCharsets.UTF_8).replace("+", "%20");
    }
  }
}
