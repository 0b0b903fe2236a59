package dev.loupe.sae.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.sae.SaeClient;
import dev.loupe.sae.TinyInference;
import dev.loupe.sae.corpus.ActivationFeed;
import dev.loupe.sae.corpus.BatchActivations;
import dev.loupe.sae.corpus.BatchPlan;
import dev.loupe.sae.corpus.Corpus;
import dev.loupe.sae.corpus.CorpusFixture;
import dev.loupe.sae.corpus.CorpusPass;
import dev.loupe.server.Channels;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import io.grpc.ManagedChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StreamedFeedTest {
  private static final Patience SHORT =
      new Patience(Duration.ofSeconds(20), Duration.ofMillis(20), Duration.ofMillis(100));
  private static final BatchPlan PLAN = new BatchPlan(4, 100);
  @TempDir Path folder;

  /** The model goes away twice in the middle and comes back at the same address. */
  @Test
  void losesNothingAndSeesNothingTwiceWhenTheModelGoesAway() {
    TinyInference inference = TinyInference.start(folder);
    int port = inference.port();
    ManagedChannel channel = Channels.plaintext("127.0.0.1:" + port);
    try (Corpus corpus =
        CorpusFixture.open(folder.resolve("c"), "c", SaeClient.randomRows(60, 5))) {
      InferenceClient client = new InferenceClient(channel, SHORT);
      List<BatchActivations> undisturbed = new ArrayList<>();
      try (ActivationFeed feed = open(client, corpus)) {
        feed.next().ifPresent(undisturbed::add);
        for (Optional<BatchActivations> next = feed.next(); next.isPresent(); next = feed.next()) {
          undisturbed.add(next.get());
        }
      }
      List<BatchActivations> disturbed = new ArrayList<>();
      try (ActivationFeed feed = open(client, corpus)) {
        for (int i = 0; i < undisturbed.size(); i++) {
          if (i == 3 || i == 7) {
            inference.close();
            inference = TinyInference.start(folder, port);
          }
          disturbed.add(feed.next().orElseThrow());
        }
        assertThat(feed.next()).isEmpty();
      }
      assertThat(disturbed).hasSameSizeAs(undisturbed);
      for (int i = 0; i < disturbed.size(); i++) {
        assertThat(disturbed.get(i).batch().rowNumbers())
            .isEqualTo(undisturbed.get(i).batch().rowNumbers());
        assertThat(disturbed.get(i).rows()).isEqualTo(undisturbed.get(i).rows());
      }
    } finally {
      Channels.close(channel);
      inference.close();
    }
  }

  @Test
  void givesUpWhenTheModelStaysAway() {
    ManagedChannel channel = Channels.plaintext("127.0.0.1:1");
    Patience brief =
        new Patience(Duration.ofMillis(300), Duration.ofMillis(20), Duration.ofMillis(50));
    try (Corpus corpus = CorpusFixture.open(folder.resolve("c"), "c", SaeClient.randomRows(5, 5));
        ActivationFeed feed = open(new InferenceClient(channel, brief), corpus)) {
      assertThatThrownBy(feed::next)
          .satisfies(
              e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.INFERENCE_UNAVAILABLE));
    } finally {
      Channels.close(channel);
    }
  }

  @Test
  void doesNotRepeatWhatCanNeverSucceed() {
    try (TinyInference inference = TinyInference.start(folder);
        Corpus corpus = CorpusFixture.open(folder.resolve("c"), "c", SaeClient.randomRows(5, 5))) {
      ManagedChannel channel = Channels.plaintext(inference.target());
      try (ActivationFeed feed =
          new InferenceClient(channel, SHORT)
              .open(TinyInference.ID, "blocks.9.hook_resid_post", pass(corpus), () -> {})) {
        assertThatThrownBy(feed::next)
            .satisfies(
                e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.UNKNOWN_HOOK_POINT));
      } finally {
        Channels.close(channel);
      }
    }
  }

  @Test
  void endsItsWaitWhenStopped() {
    ManagedChannel channel = Channels.plaintext("127.0.0.1:1");
    LoupeException stop = LoupeException.of(ErrorReason.OPERATION_CANCELLED, "cancelled");
    int[] looks = new int[1];
    try (Corpus corpus = CorpusFixture.open(folder.resolve("c"), "c", SaeClient.randomRows(5, 5));
        ActivationFeed feed =
            new InferenceClient(channel, Patience.DEFAULT)
                .open(
                    TinyInference.ID,
                    TinyInference.HOOK_POINT,
                    pass(corpus),
                    () -> {
                      if (looks[0]++ == 3) {
                        throw stop;
                      }
                    })) {
      assertThatThrownBy(feed::next).isSameAs(stop);
    } finally {
      Channels.close(channel);
    }
  }

  private static ActivationFeed open(InferenceClient client, Corpus corpus) {
    return client.open(TinyInference.ID, TinyInference.HOOK_POINT, pass(corpus), () -> {});
  }

  private static CorpusPass pass(Corpus corpus) {
    return new CorpusPass(corpus, PLAN, 0);
  }
}
