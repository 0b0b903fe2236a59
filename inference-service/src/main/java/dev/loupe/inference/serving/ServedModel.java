package dev.loupe.inference.serving;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.captures.ActivationCaches;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.LoadedModel;
import dev.loupe.inference.model.hooks.HookPoints;
import dev.loupe.inference.tokenizer.SpecialTokens;
import dev.loupe.inference.tokenizer.Tokenizer;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;

/**
 * A model that is ready.
 *
 * @param spec what was asked for
 * @param loaded weights and forward pass
 * @param tokenizer of its folder
 * @param hookPoints all of them
 * @param specialTokens beginning of text, end of text and padding, of its vocabulary
 * @param stopTokens after which its texts end, of its vocabulary
 * @param provenance what its numbers come from
 * @param caches activations of it that runs left on the server
 */
public record ServedModel(
    ModelSpec spec,
    LoadedModel loaded,
    Tokenizer tokenizer,
    HookPoints hookPoints,
    SpecialTokens specialTokens,
    Set<Integer> stopTokens,
    Provenance provenance,
    ActivationCaches caches)
    implements AutoCloseable {

  /** Takes its own copy of the tokens. */
  public ServedModel {
    stopTokens = Collections.unmodifiableSet(new TreeSet<>(stopTokens));
  }

  /** The token that texts start with, -1 when the model has none. */
  public int bosToken() {
    return specialTokens.bos().id();
  }

  /** Its resource id. */
  public String id() {
    return spec.id();
  }

  /** The model's shape. */
  public GptConfig config() {
    return loaded.config();
  }

  /** The forward pass. */
  public HookedTransformer transformer() {
    return loaded.transformer();
  }

  /** Frees the weights, and what the model's runs left. */
  @Override
  public void close() {
    caches.close();
    loaded.close();
  }

  /** A manager for the arrays of one request; close it when the request is done. */
  public NDManager newScope() {
    return loaded.newScope();
  }
}
