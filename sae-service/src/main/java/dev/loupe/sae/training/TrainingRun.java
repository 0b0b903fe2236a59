package dev.loupe.sae.training;

import dev.loupe.sae.corpus.ActivationFeed;
import dev.loupe.sae.corpus.ActivationSource;
import dev.loupe.sae.corpus.BatchActivations;
import dev.loupe.sae.corpus.BatchPlan;
import dev.loupe.sae.corpus.Corpus;
import dev.loupe.sae.corpus.EndlessShuffle;
import dev.loupe.sae.corpus.SplitMix;
import dev.loupe.sae.dictionary.BatchLoss;
import dev.loupe.sae.dictionary.Dictionary;
import dev.loupe.sae.dictionary.FloatRows;
import dev.loupe.sae.dictionary.Parameter;
import dev.loupe.sae.dictionary.TrainingPass;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains one dictionary, from the start or from its checkpoint. Everything that the result depends
 * on is in the checkpoint, so a run that was ended and goes on gives the same bytes as one that was
 * not.
 *
 * <p>Activations are scaled by one factor so that their mean squared distance from the decoder
 * bias's start is d_in: then a learning rate and a coefficient mean the same for every model and
 * hook point. The scale is taken out again at the end.
 */
public final class TrainingRun {
  private static final Logger log = LoggerFactory.getLogger(TrainingRun.class);
  private static final double CLIP_NORM = 1.0;

  private final TrainingSpec spec;
  private final Corpus corpus;
  private final ActivationSource source;
  private final Checkpoint checkpoint;
  private final TrainingListener listener;
  private final Schedule schedule;
  private ActivationFeed feed;
  private BatchActivations current;
  private ShuffleBuffer buffer;
  private long place;
  private int taken;
  private TrainingState state;
  private boolean betweenSteps = true;

  /** A run whose checkpoint is this file. */
  public TrainingRun(
      TrainingSpec spec,
      Corpus corpus,
      ActivationSource source,
      Path checkpointFile,
      TrainingListener listener) {
    this.spec = spec;
    this.corpus = corpus;
    this.source = source;
    this.schedule = spec.schedule();
    this.checkpoint =
        new Checkpoint(checkpointFile, spec, spec.fingerprint(corpus.description().sha256()));
    this.listener = listener;
  }

  /**
   * Trains to the end. Whatever ends it before, a checkpoint is written first if that can be done;
   * not when training diverged: then the checkpoint before stays.
   *
   * @throws LoupeException STORAGE_FULL, STORAGE_UNAVAILABLE, INFERENCE_UNAVAILABLE, NOT_FINITE
   *     when the loss or a weight stops being a finite number, and what the listener throws
   */
  public TrainedDictionary run() {
    state = checkpoint.read().orElse(null);
    if (state != null) {
      requireNotPast(state.step);
      log.info("training of {} goes on from step {}", spec.dictionary(), state.step);
      buffer = state.buffer;
      place = state.place;
      taken = state.taken;
    } else {
      buffer = new ShuffleBuffer(schedule.bufferRows(), spec.dIn());
    }
    EndlessShuffle batches =
        new EndlessShuffle(corpus, BatchPlan.forWidth(spec.dIn()), spec.seed(), place);
    try (ActivationFeed opened =
        source.open(spec.model(), spec.hookPoint(), batches, listener::throwIfStopped)) {
      feed = opened;
      if (state == null) {
        begin();
      }
      train();
    } catch (RuntimeException e) {
      saveBefore(e);
      throw e;
    }
    Dictionary finished = Initialization.unscaled(state.dictionary, state.scale).finished();
    requireFinite(finished);
    return new TrainedDictionary(finished, state.activity.densities());
  }

  /**
   * Writes a last checkpoint, from which the same request can end at once, because the result could
   * not be stored.
   */
  public void keepCheckpoint(RuntimeException why) {
    saveBefore(why);
  }

  /** Removes the checkpoint, once the result is stored. */
  public void deleteCheckpoint() {
    checkpoint.delete();
  }

  private void requireNotPast(long step) {
    if (step > schedule.steps()) {
      betweenSteps = false; // the checkpoint stays as it is
      throw LoupeException.invalidValue(
          "schedule.steps",
          schedule.steps(),
          step
              + " or more, which its checkpoint has done, or delete checkpoints/"
              + spec.dictionary());
    }
  }

  private void begin() {
    fill();
    SplitMix random = new SplitMix(SplitMix.mix(spec.seed()));
    Initialization start =
        Initialization.of(spec.architecture(), spec.dSae(), buffer.content(), random);
    state =
        new TrainingState(
            start.dictionary(),
            start.scale(),
            buffer,
            new FeatureActivity(spec.dSae(), schedule.deadAfterSteps()),
            random);
  }

  private void train() {
    TrainingPass pass = state.dictionary.trainingPass(schedule.batchSize());
    FloatRows batch = FloatRows.zeros(schedule.batchSize(), spec.dIn());
    ProgressClock clock = new ProgressClock(state.step, schedule, state.scale);
    int[] dead = state.activity.dead();
    long firstStep = state.step;
    while (state.step < schedule.steps()) {
      listener.throwIfStopped();
      fill();
      betweenSteps = false;
      buffer.draw(batch, state.scale, state.random);
      float rate = schedule.learningRateAt(state.step);
      BatchLoss loss = step(pass, batch, dead, rate);
      state.step++;
      state.activity.add(loss.firings(), batch.rows(), schedule.steps() - state.step);
      betweenSteps = true;
      dead = state.activity.dead();
      listener.trained(batch.rows());
      if (clock.isDue(state.step)) {
        listener.progress(clock.status(state.step, loss, (double) dead.length / spec.dSae(), rate));
      }
      if (state.step % schedule.checkpointSteps() == 0 && state.step < schedule.steps()) {
        save();
      }
    }
    if (state.step > firstStep) {
      // What the last step did shows only in a loss that is taken after it.
      betweenSteps = false;
      requireFinite("the loss", pass.run(batch, 1, dead).loss());
      betweenSteps = true;
    }
  }

  private BatchLoss step(TrainingPass pass, FloatRows batch, int[] dead, float rate) {
    BatchLoss loss = pass.run(batch, schedule.sparsityFactorAt(state.step), dead);
    requireFinite("the loss", loss.loss());
    pass.constrainGradients();
    requireFinite("the gradient's norm", AdamOptimizer.clip(pass.gradients(), CLIP_NORM));
    state.optimizer.step(pass.gradients(), rate);
    state.dictionary.settle();
    return loss;
  }

  /** Takes activations from the feed until the buffer is full. */
  private void fill() {
    while (!buffer.isFull()) {
      if (current == null) {
        current = feed.next().orElseThrow();
        place = current.batch().firstRow();
      }
      taken += buffer.add(current.rows(), taken);
      if (taken == current.rows().rows()) {
        place += current.batch().rows().size();
        taken = 0;
        current = null;
      }
    }
  }

  private void requireFinite(String what, double value) {
    if (!Double.isFinite(value)) {
      throw diverged(what + " after step " + state.step, value);
    }
  }

  private void requireFinite(Dictionary dictionary) {
    for (Parameter parameter : dictionary.parameters()) {
      if (!parameter.isFinite()) {
        throw diverged("some of " + parameter.name() + " after step " + state.step, "not finite");
      }
    }
  }

  private LoupeException diverged(String what, Object value) {
    return LoupeException.of(
        ErrorReason.NOT_FINITE,
        "training diverged: %s is %s at a learning rate of up to %s; train with a lower one"
            .formatted(what, value, schedule.learningRate()));
  }

  private void save() {
    requireFinite(state.dictionary);
    state.place = place;
    state.taken = taken;
    checkpoint.write(state);
  }

  private void saveBefore(RuntimeException end) {
    if (state == null || !betweenSteps) {
      return;
    }
    try {
      save();
    } catch (RuntimeException e) {
      end.addSuppressed(e);
    }
  }
}
