package dev.loupe.inference.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * The shape of a GPT-2 family model and the switches that change its arithmetic.
 *
 * @param layers transformer blocks
 * @param heads attention heads of each block
 * @param dModel width of the residual stream
 * @param dMlp width of the MLP's hidden layer
 * @param contextLength positions the model knows
 * @param vocabularySize token ids the model knows
 * @param layerNormEpsilon added to the variance in every layer norm
 * @param activation the MLP's non-linearity
 * @param tiedEmbeddings true when the unembedding is the token embedding
 * @param scaleScores divide attention scores by sqrt(dHead)
 * @param scaleScoresByLayer divide attention scores by the layer's number, from 1
 * @param upcastAttention compute attention scores in float32 even where the rest is narrower
 * @param bosToken the beginning-of-text token, or -1 when the config names none
 * @param eosToken the end-of-text token, or -1 when the config names none
 */
public record GptConfig(
    int layers,
    int heads,
    int dModel,
    int dMlp,
    int contextLength,
    int vocabularySize,
    double layerNormEpsilon,
    Activation activation,
    boolean tiedEmbeddings,
    boolean scaleScores,
    boolean scaleScoresByLayer,
    boolean upcastAttention,
    int bosToken,
    int eosToken) {

  /**
   * Checks that the numbers make a model.
   *
   * @throws ConfigException naming the first that does not
   */
  public GptConfig {
    within("n_layer", layers, 1 << 12);
    within("n_head", heads, 1 << 12);
    within("n_embd", dModel, 1 << 18);
    within("n_inner", dMlp, 1 << 20);
    within("n_positions", contextLength, 1 << 24);
    within("vocab_size", vocabularySize, 1 << 26);
    if (dModel % heads != 0) {
      throw new ConfigException(
          "n_embd is " + dModel + "; expected a multiple of n_head, which is " + heads);
    }
    if (!(layerNormEpsilon > 0 && layerNormEpsilon < 1)) {
      throw new ConfigException(
          "layer_norm_epsilon is " + layerNormEpsilon + "; expected a number in (0, 1)");
    }
  }

  /** A config that does not ask for attention in float32. */
  public GptConfig(
      int layers,
      int heads,
      int dModel,
      int dMlp,
      int contextLength,
      int vocabularySize,
      double layerNormEpsilon,
      Activation activation,
      boolean tiedEmbeddings,
      boolean scaleScores,
      boolean scaleScoresByLayer,
      int bosToken,
      int eosToken) {
    this(
        layers,
        heads,
        dModel,
        dMlp,
        contextLength,
        vocabularySize,
        layerNormEpsilon,
        activation,
        tiedEmbeddings,
        scaleScores,
        scaleScoresByLayer,
        false,
        bosToken,
        eosToken);
  }

  /** A config of GPT-2's own switches: gelu_new, tied embeddings, four times as wide an MLP. */
  public static GptConfig gpt2(
      int layers, int heads, int dModel, int contextLength, int vocabularySize, int eosToken) {
    return new GptConfig(
        layers,
        heads,
        dModel,
        4 * dModel,
        contextLength,
        vocabularySize,
        1e-5,
        Activation.GELU_TANH,
        true,
        true,
        false,
        eosToken,
        eosToken);
  }

  private static void within(String field, int value, int most) {
    if (value < 1 || value > most) {
      throw new ConfigException(field + " is " + value + "; expected 1 to " + most);
    }
  }

  /** Width of one attention head. */
  public int dHead() {
    return dModel / heads;
  }

  /** What the products of queries and keys are multiplied by in a layer, counted from 0. */
  public double scoreScale(int layer) {
    double scale = scaleScores ? 1 / Math.sqrt(dHead()) : 1;
    return scaleScoresByLayer ? scale / (layer + 1) : scale;
  }

  /** The number of weights; a tied unembedding is counted once. */
  public long parameters() {
    long block = 4L * dModel * dModel + 2L * dModel * dMlp + dMlp + 9L * dModel;
    long embeddings = (long) dModel * (vocabularySize + contextLength);
    long head = tiedEmbeddings ? 0 : (long) dModel * vocabularySize;
    return layers * block + embeddings + head + 2L * dModel;
  }

  /** The Hugging Face {@code config.json} for this model. */
  public String toJson() {
    ObjectNode root = new ObjectMapper().createObjectNode();
    root.put("model_type", "gpt2");
    root.putArray("architectures").add("GPT2LMHeadModel");
    root.put("n_layer", layers);
    root.put("n_head", heads);
    root.put("n_embd", dModel);
    root.put("n_inner", dMlp);
    root.put("n_positions", contextLength);
    root.put("n_ctx", contextLength);
    root.put("vocab_size", vocabularySize);
    root.put("layer_norm_epsilon", layerNormEpsilon);
    root.put("activation_function", activation.configName());
    root.put("tie_word_embeddings", tiedEmbeddings);
    root.put("scale_attn_weights", scaleScores);
    root.put("scale_attn_by_inverse_layer_idx", scaleScoresByLayer);
    root.put("reorder_and_upcast_attn", upcastAttention);
    if (bosToken >= 0) {
      root.put("bos_token_id", bosToken);
    }
    if (eosToken >= 0) {
      root.put("eos_token_id", eosToken);
    }
    root.put("torch_dtype", "float32");
    return root.toPrettyString() + "\n";
  }
}
