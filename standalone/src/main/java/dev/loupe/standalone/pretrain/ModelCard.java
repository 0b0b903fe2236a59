package dev.loupe.standalone.pretrain;

import java.util.List;
import java.util.Locale;

/** Writes the model card: what the model is, what it was trained on, and what was measured. */
final class ModelCard {
  private ModelCard() {}

  static String of(
      PretrainSettings settings,
      long parameters,
      List<String> conceptTitles,
      ProbeResult result,
      double seconds) {
    return String.format(
        Locale.ROOT,
        """
        # Loupe demo model

        A small language model of GPT-2's architecture for `./loupe demo`: large enough to know some facts \
        and to copy with induction heads, small enough to be looked through in minutes on two cores. It is \
        a specimen for the microscope, of no other use.

        | | |
        |---|---|
        | architecture | GPT-2: pre-layer-norm, learned positions, gelu_new, tied embeddings |
        | layers, heads, width | %d, %d, %d |
        | context | %d tokens |
        | vocabulary | %d ids, byte-level BPE; `<|endoftext|>` begins every document |
        | parameters | %,d |

        ## Files

        `config.json`, `model.safetensors` (Hugging Face's GPT-2 layout), `tokenizer.json`, \
        `pretraining.json` (the settings of the run, seed included), `training-log.jsonl` (loss and probes, \
        one JSON object a line).

        ## How it was made

        `./loupe pretrain` made all of it: the corpus, the tokenizer and the weights. The corpus is \
        generated text, made from the seed %d by templates, word lists and fact tables written for this \
        project; no text of other people is in it. Each stretch of text knows which of %d concepts it \
        belongs to, so that what a neuron or a feature stands for can be measured. A document is a repeated \
        random sequence instead of text with probability %s, after two fifths of the run %s; its first copy, \
        which nothing explains, does not count in the loss.

        Training: AdamW, highest learning rate %s with warm-up and cosine decay, once more after %,d tokens, batches of %d rows of %d \
        tokens, %,d tokens, %,d steps, %.1f minutes.

        ## What was measured at the end of training

        | | |
        |---|---|
        | cross-entropy on held-out text, nats per token | %.3f |
        | US state capitals right ("The capital of Texas is" and so on) | %d of %d |
        | mean probability of the right capital | %.3f |
        | best head's induction score on repeated random tokens | %.3f |
        | best head's previous-token score on the same | %.3f |

        ## Limits

        It knows the words of its corpus and little else; other words fall apart into bytes. What it says \
        beyond the facts of the corpus is grammatical chance. It has seen no text longer than its context.

        ## Concepts

        %s.
        """,
        settings.layers(),
        settings.heads(),
        settings.width(),
        settings.context(),
        settings.vocabulary(),
        parameters,
        settings.seed(),
        conceptTitles.size(),
        number(settings.repeatsShare()),
        number(settings.lateRepeatsShare()),
        number(settings.learningRate()),
        settings.restartTokens(),
        settings.batch(),
        settings.context(),
        settings.steps() * settings.batch() * settings.context(),
        settings.steps(),
        seconds / 60,
        result.heldOutLoss(),
        result.statesCorrect(),
        result.statesAsked(),
        result.capitalProbability(),
        result.inductionScore(),
        result.previousTokenScore(),
        String.join("; ", conceptTitles));
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%s", value);
  }
}
