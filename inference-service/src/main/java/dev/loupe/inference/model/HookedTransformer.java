package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.hooks.ActivationReader;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookRun;
import dev.loupe.inference.model.hooks.PassRows;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * GPT-2's forward pass with TransformerLens's hook points (Radford et al. 2019; hook semantics of
 * TransformerLens 3). Shapes below: b rows, p positions, d_model wide. It holds no state of a pass,
 * so passes may run on several threads at once.
 */
public final class HookedTransformer {
  private final GptConfig config;
  private final ModelWeights weights;
  private final TransformerOps ops;

  /** A model of these weights, which stay the caller's to close. */
  public HookedTransformer(GptConfig config, ModelWeights weights, TransformerOps ops) {
    this.config = config;
    this.weights = weights;
    this.ops = ops;
  }

  /** The model's shape. */
  public GptConfig config() {
    return config;
  }

  /** The model's weights; read-only. */
  public ModelWeights weights() {
    return weights;
  }

  /**
   * Logits of what the final layer norm gives.
   *
   * @param normed [..., d_model]
   * @return [..., d_vocab], b_U included where the model has one
   */
  public NDArray unembed(NDArray normed) {
    NDArray logits = ops.unembed(normed, weights.unembedding());
    return weights.unembeddingBias() == null ? logits : logits.add(weights.unembeddingBias());
  }

  /** The arithmetic that this model runs on. */
  public TransformerOps ops() {
    return ops;
  }

  /**
   * Runs tokens through the model.
   *
   * @param scope owns the results; everything else is freed before this returns
   * @throws TokenRangeException for ids outside the vocabulary, or rows longer than the context
   */
  public ForwardResult forward(NDManager scope, TokenBatch batch, ForwardOptions options) {
    PassMember member = new PassMember(scope, batch, options.program(), options.logits());
    return run(batch, List.of(member), options.cache(), options.control()).get(0);
  }

  /**
   * Runs the rows of several requests in one pass. Each gets what it would get alone, up to the
   * rounding of differently shaped products.
   *
   * @param members one or more; when this throws, none of them has a result
   * @throws TokenRangeException as {@link #forward} does
   */
  public List<ForwardResult> forwardTogether(List<PassMember> members, PassControl control) {
    TokenBatch all = TokenBatch.joined(members.stream().map(PassMember::batch).toList());
    return run(all, members, null, control);
  }

  private List<ForwardResult> run(
      TokenBatch batch, List<PassMember> members, KvCache cache, PassControl control) {
    check(batch, cache);
    NDManager scope = members.get(0).scope();
    try (NDManager pass = scope.newSubManager()) {
      if (cache != null) {
        cache.begin(batch);
      }
      Pass run = new Pass(scope, pass, batch, members, cache, control);
      Optional<NDArray> logits = run.run();
      if (cache != null) {
        cache.commit(batch);
      }
      return run.results(logits);
    }
  }

  private void check(TokenBatch batch, KvCache cache) {
    for (int row = 0; row < batch.rows(); row++) {
      int start = cache == null ? 0 : cache.length(row);
      int length = start + batch.lengths()[row];
      if (length > config.contextLength()) {
        throw new TokenRangeException(
            "row %d has %d tokens; the model's context holds %d"
                .formatted(row, length, config.contextLength()));
      }
      for (int i = 0; i < batch.lengths()[row]; i++) {
        long id = batch.ids()[row * batch.width() + i];
        if (id < 0 || id >= config.vocabularySize()) {
          throw new TokenRangeException(
              "row %d holds token id %d at position %d; expected 0 to %d"
                  .formatted(row, id, start + i, config.vocabularySize() - 1));
        }
      }
    }
  }

  /** One call of {@link #forward}. */
  private final class Pass {
    private final NDManager scope;
    private final NDManager pass;
    private final TokenBatch batch;
    private final List<PassMember> members;
    private final KvCache cache;
    private final PassControl control;
    private final PassRows rows;
    private final HookRun hooks;
    private final LogitPlaces logitPlaces;

    Pass(
        NDManager scope,
        NDManager pass,
        TokenBatch batch,
        List<PassMember> members,
        KvCache cache,
        PassControl control) {
      this.scope = scope;
      this.pass = pass;
      this.batch = batch;
      this.members = members;
      this.cache = cache;
      this.control = control;
      this.rows = rows(batch, cache);
      this.hooks =
          HookRun.shared(
              members.stream().map(PassMember::program).toList(),
              members.stream().map(member -> rows(member.batch(), cache)).toList());
      this.logitPlaces =
          new LogitPlaces(
              members.stream().map(PassMember::batch).toList(),
              members.stream().map(PassMember::logits).toList(),
              batch.width());
    }

    /** Hands each member what is its own. */
    List<ForwardResult> results(Optional<NDArray> logits) {
      List<NDManager> scopes = members.stream().map(PassMember::scope).toList();
      List<Optional<NDArray>> split =
          logits.isPresent()
              ? logitPlaces.split(logits.get(), scopes)
              : Collections.nCopies(members.size(), Optional.empty());
      List<Map<HookPoint, NDArray>> captures = hooks.captures();
      List<Map<ActivationReader, List<NDArray>>> readings = hooks.readings();
      List<ForwardResult> results = new ArrayList<>();
      for (int i = 0; i < members.size(); i++) {
        NDManager owner = scopes.get(i);
        captures.get(i).values().forEach(array -> array.attach(owner));
        readings.get(i).values().forEach(kept -> kept.forEach(array -> array.attach(owner)));
        results.add(new ForwardResult(split.get(i), captures.get(i), readings.get(i)));
      }
      return results;
    }

    Optional<NDArray> run() {
      boolean wantsLogits = !logitPlaces.isEmpty();
      NDArray resid = embed(); // [b, p, d_model]
      AttentionMask mask = AttentionMask.of(pass, batch, cache);
      boolean mapsEdited = false;
      for (int layer = 0; layer < config.layers(); layer++) {
        mapsEdited |= TransformerBlock.editsMaps(hooks, layer);
      }
      NDArray visible = mapsEdited ? AttentionMask.ofTokens(pass, batch, cache) : null;
      for (int layer = 0; layer < config.layers(); layer++) {
        if (!wantsLogits && hooks.isDoneBefore(HookKind.RESID_PRE, layer)) {
          return Optional.empty();
        }
        control.beforeLayer(layer);
        TransformerBlock block =
            new TransformerBlock(
                config, weights.blocks().get(layer), layer, ops, hooks, mask, visible);
        try (NDManager local = scope.newSubManager()) {
          resid.attach(local);
          resid = block.run(resid, cache, wantsLogits);
          if (resid == null) {
            hooks.moveCaptures(scope);
            return Optional.empty();
          }
          resid.attach(pass);
          hooks.moveCaptures(pass);
        }
      }
      if (!wantsLogits && hooks.isDoneBefore(HookKind.LN_FINAL_SCALE, -1)) {
        return Optional.empty();
      }
      control.beforeLayer(config.layers());
      return unembed(resid);
    }

    private NDArray embed() {
      int width = batch.width();
      NDArray ids = pass.create(batch.ids(), new Shape(batch.rows(), width));
      NDArray tokens = hooks.at(HookKind.EMBED, ops.embed(ids, weights.tokenEmbedding()));
      NDArray positions = ops.embed(positionIds(), weights.positionEmbedding());
      if (hooks.isUsed(HookKind.POS_EMBED, -1)) {
        Shape full = new Shape(batch.rows(), width, config.dModel());
        positions = hooks.at(HookKind.POS_EMBED, positions.broadcast(full));
      }
      return tokens.add(positions);
    }

    /**
     * [p] when all rows start at the same position, else [b, p]; padding stays inside the table.
     */
    private NDArray positionIds() {
      int width = batch.width();
      boolean aligned = true;
      for (int start : rows.starts()) {
        aligned &= start == rows.starts()[0];
      }
      int planes = aligned ? 1 : batch.rows();
      long[] ids = new long[planes * width];
      for (int row = 0; row < planes; row++) {
        for (int i = 0; i < width; i++) {
          ids[row * width + i] = Math.min(rows.starts()[row] + i, config.contextLength() - 1);
        }
      }
      return pass.create(ids, aligned ? new Shape(width) : new Shape(planes, width));
    }

    private Optional<NDArray> unembed(NDArray resid) {
      NDArray x = resid;
      double epsilon = config.layerNormEpsilon();
      boolean wantsLogits = !logitPlaces.isEmpty();
      if (wantsLogits && !usesEnd()) {
        x = logitPlaces.pick(ops, x);
      }
      NDArray normed; // [b, p, d_model]
      if (hooks.isUsed(HookKind.LN_FINAL_SCALE, -1)
          || hooks.isUsed(HookKind.LN_FINAL_NORMALIZED, -1)) {
        NDArray centered = ops.center(x);
        NDArray scale = hooks.at(HookKind.LN_FINAL_SCALE, ops.scale(centered, epsilon));
        NDArray normalized = hooks.at(HookKind.LN_FINAL_NORMALIZED, centered.div(scale));
        normed = ops.affine(normalized, weights.lnFinal());
      } else {
        normed = ops.layerNorm(x, weights.lnFinal(), epsilon);
      }
      normed = hooks.at(HookKind.UNEMBED_IN, normed);
      if (!wantsLogits && hooks.isDoneBefore(HookKind.UNEMBED_OUT, -1)) {
        return Optional.empty();
      }
      NDArray logits = hooks.at(HookKind.UNEMBED_OUT, HookedTransformer.this.unembed(normed));
      if (!wantsLogits) {
        return Optional.empty();
      }
      return Optional.of(usesEnd() ? logitPlaces.pick(ops, logits) : logits);
    }

    private boolean usesEnd() {
      return hooks.isUsed(HookKind.LN_FINAL_SCALE, -1)
          || hooks.isUsed(HookKind.LN_FINAL_NORMALIZED, -1)
          || hooks.isUsed(HookKind.UNEMBED_IN, -1)
          || hooks.isUsed(HookKind.UNEMBED_OUT, -1);
    }
  }

  private static PassRows rows(TokenBatch batch, KvCache cache) {
    int[] starts = new int[batch.rows()];
    if (cache != null) {
      for (int row = 0; row < starts.length; row++) {
        starts[row] = cache.length(row);
      }
    }
    return new PassRows(starts, batch.lengths(), batch.width(), cache != null);
  }
}
