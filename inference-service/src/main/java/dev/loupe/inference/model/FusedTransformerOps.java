package dev.loupe.inference.model;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.tensor.Processor;
import dev.loupe.tensor.TensorEngine;
import dev.loupe.tensor.kernels.KernelCall;
import dev.loupe.tensor.kernels.TorchKernels;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * {@link TransformerOps} in compiled calls: a bias, a residual or a non-linearity goes with its
 * product, attention never writes its scores down, and a block that nobody looks into is one call.
 * Autograd does not follow it. Activations are float32 at every hook point; with {@link
 * ComputeType#BF16} the products between them are computed in bfloat16, from copies of the weights.
 */
public final class FusedTransformerOps implements TransformerOps {
  static final String ONEDNN = "forward_onednn.pt";
  static final String PORTABLE = "forward.pt";

  private final TorchKernels kernels;
  private final NDManager copies;
  private final Map<NDArray, NDArray> computeForms = new IdentityHashMap<>();
  private final Map<BlockWeights, TorchKernels.Weights> blocks = new IdentityHashMap<>();

  private FusedTransformerOps(TorchKernels kernels) {
    this.kernels = kernels;
    this.copies = TensorEngine.newManager();
  }

  /** Operations on a model's weights, which stay as they are and must outlive these operations. */
  public static FusedTransformerOps of(ModelWeights weights, ComputeType type) {
    if (!weights.tokenEmbedding().getDevice().isGpu()) {
      try {
        return of(weights, type, TorchKernels.load(TorchKernels.class, ONEDNN));
      } catch (EngineException e) {
        // An engine without oneDNN, as those for Apple's processors are, or a processor for which
        // oneDNN has no bfloat16.
      }
    }
    return of(weights, type, TorchKernels.load(TorchKernels.class, PORTABLE));
  }

  /** The same in a given form, which these operations will close. */
  static FusedTransformerOps of(ModelWeights weights, ComputeType type, TorchKernels kernels) {
    FusedTransformerOps ops = new FusedTransformerOps(kernels);
    try {
      ops.prepare(weights, type);
      return ops;
    } catch (RuntimeException e) {
      ops.close();
      throw e;
    }
  }

  private void prepare(ModelWeights weights, ComputeType type) {
    if (type == ComputeType.BF16) {
      // The largest first: what making it takes besides is used again for the others.
      narrow(weights.unembedding(), "to_bfloat16_weight");
      for (BlockWeights block : weights.blocks()) {
        for (LinearWeights linear :
            List.of(block.qkv(), block.attentionOut(), block.mlpIn(), block.mlpOut())) {
          narrow(linear.weight(), "to_bfloat16_weight");
          narrow(linear.bias(), "to_bfloat16");
        }
      }
    }
    for (BlockWeights block : weights.blocks()) {
      List<NDArray> arrays = new ArrayList<>();
      add(arrays, block.ln1());
      add(arrays, block.qkv());
      add(arrays, block.attentionOut());
      add(arrays, block.ln2());
      add(arrays, block.mlpIn());
      add(arrays, block.mlpOut());
      blocks.put(block, TorchKernels.weights(arrays));
    }
  }

  private void narrow(NDArray weight, String how) {
    computeForms.put(weight, kernels.call(how).with(weight).array(copies));
  }

  private static void add(List<NDArray> arrays, LayerNormWeights norm) {
    arrays.add(norm.weight());
    arrays.add(norm.bias());
  }

  private void add(List<NDArray> arrays, LinearWeights linear) {
    arrays.add(computed(linear.weight()));
    arrays.add(computed(linear.bias()));
  }

  /** A weight in the form that products are computed in. */
  private NDArray computed(NDArray weight) {
    return computeForms.getOrDefault(weight, weight);
  }

  @Override
  public NDArray embed(NDArray ids, NDArray table) {
    return kernels.call("embed").with(ids).with(table).array(ids.getManager());
  }

  @Override
  public NDArray linear(NDArray x, LinearWeights weights) {
    return linearCall("linear", x, weights).array(x.getManager());
  }

  @Override
  public NDArray linearActivated(NDArray x, LinearWeights weights, Activation activation) {
    return ActivationKernels.with(linearCall("linear_activated", x, weights), activation)
        .array(x.getManager());
  }

  @Override
  public NDArray linearPlus(NDArray residual, NDArray x, LinearWeights weights) {
    return linearCall("linear_plus", x, weights).with(residual).array(residual.getManager());
  }

  @Override
  public List<NDArray> queriesKeysValues(NDArray x, LinearWeights weights, int heads) {
    return linearCall("qkv", x, weights).with(heads).arrays(x.getManager());
  }

  private KernelCall linearCall(String method, NDArray x, LinearWeights weights) {
    return kernels
        .call(method)
        .with(x)
        .with(computed(weights.weight()))
        .with(computed(weights.bias()));
  }

  @Override
  public Optional<NDArray> block(
      NDArray x,
      BlockWeights weights,
      GptConfig config,
      int layer,
      AttentionMask mask,
      KvCache cache) {
    TorchKernels.Weights prepared = blocks.get(weights);
    if (prepared == null) {
      return Optional.empty();
    }
    KernelCall call =
        kernels
            .call(cache == null ? "block" : "cached_block")
            .with(x)
            .with(prepared)
            .with(config.heads())
            .with(config.scoreScale(layer))
            .with(config.layerNormEpsilon());
    ActivationKernels.with(call, config.activation());
    with(call, mask);
    if (cache != null) {
      call.with(cache.keys(layer)).with(cache.values(layer)).with(cache.slots());
    }
    return Optional.of(call.array(x.getManager()));
  }

  @Override
  public NDArray extend(NDArray store, NDArray fresh, int slot) {
    return kernels.call("extend").with(store).with(fresh).with(slot).array(fresh.getManager());
  }

  @Override
  public NDArray layerNorm(NDArray x, LayerNormWeights weights, double epsilon) {
    return kernels
        .call("layer_norm")
        .with(x)
        .with(weights.weight())
        .with(weights.bias())
        .with(epsilon)
        .array(x.getManager());
  }

  @Override
  public NDArray center(NDArray x) {
    return kernels.call("center").with(x).array(x.getManager());
  }

  @Override
  public NDArray scale(NDArray centered, double epsilon) {
    return kernels.call("scale").with(centered).with(epsilon).array(centered.getManager());
  }

  @Override
  public NDArray affine(NDArray normalized, LayerNormWeights weights) {
    return kernels
        .call("affine")
        .with(normalized)
        .with(weights.weight())
        .with(weights.bias())
        .array(normalized.getManager());
  }

  @Override
  public NDArray scores(NDArray q, NDArray k, double scale, NDArray mask) {
    return kernels
        .call("scores")
        .with(q)
        .with(k)
        .with(scale)
        .with(optional(mask))
        .array(q.getManager());
  }

  @Override
  public NDArray pattern(NDArray scores, boolean mayHideAll) {
    return kernels.call("pattern").with(scores).with(mayHideAll).array(scores.getManager());
  }

  @Override
  public NDArray mix(NDArray pattern, NDArray v) {
    return kernels.call("mix").with(pattern).with(v).array(pattern.getManager());
  }

  @Override
  public NDArray attention(NDArray q, NDArray k, NDArray v, double scale, NDArray mask) {
    return attentionCall(q, k, v, scale).with(false).with(optional(mask)).array(q.getManager());
  }

  @Override
  public NDArray attention(NDArray q, NDArray k, NDArray v, double scale, AttentionMask mask) {
    return with(attentionCall(q, k, v, scale), mask).array(q.getManager());
  }

  private KernelCall attentionCall(NDArray q, NDArray k, NDArray v, double scale) {
    return kernels.call("attention").with(q).with(k).with(v).with(scale);
  }

  private static KernelCall with(KernelCall call, AttentionMask mask) {
    boolean causal = mask.isSquareCausal();
    return call.with(causal).with(optional(causal ? null : mask.array()));
  }

  private static List<NDArray> optional(NDArray array) {
    return array == null ? List.of() : List.of(array);
  }

  @Override
  public NDArray activate(NDArray x, Activation activation) {
    return ActivationKernels.with(kernels.call("activate").with(x), activation)
        .array(x.getManager());
  }

  @Override
  public NDArray unembed(NDArray x, NDArray unembedding) {
    return kernels
        .call("unembed")
        .with(x)
        .with(computed(unembedding))
        .with(List.<NDArray>of())
        .with(Processor.isIntel())
        .array(x.getManager());
  }

  @Override
  public void close() {
    blocks.values().forEach(TorchKernels.Weights::close);
    copies.close();
    kernels.close();
  }
}
