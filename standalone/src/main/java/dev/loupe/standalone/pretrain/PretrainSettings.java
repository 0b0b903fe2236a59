package dev.loupe.standalone.pretrain;

/**
 * Everything that decides what a pretraining run makes; two runs of the same settings see the same
 * rows in the same order.
 *
 * @param seed of the corpus, the random sequences and the initial weights
 * @param vocabulary token ids, the end-of-text token included
 * @param tokenizerDocuments documents that the tokenizer's words are counted on
 * @param layers transformer blocks
 * @param heads attention heads of a block
 * @param width of the residual stream
 * @param context positions, and tokens in a row
 * @param batch rows in a step
 * @param tokens to train on in all
 * @param restartTokens tokens after which the learning rate starts anew; as many as {@code tokens}
 *     for never
 * @param learningRate highest learning rate of AdamW
 * @param repeatsShare probability that a document is a repeated random sequence, at first
 * @param lateRepeatsShare the same after two fifths of the rows before the restart
 */
public record PretrainSettings(
    long seed,
    int vocabulary,
    int tokenizerDocuments,
    int layers,
    int heads,
    int width,
    int context,
    int batch,
    long tokens,
    long restartTokens,
    double learningRate,
    double repeatsShare,
    double lateRepeatsShare) {

  public PretrainSettings {
    require(vocabulary >= 257, "--vocabulary", vocabulary, "at least 257");
    require(tokenizerDocuments > 0, "--tokenizer-documents", tokenizerDocuments, "at least 1");
    require(layers > 0, "--layers", layers, "at least 1");
    require(heads > 0, "--heads", heads, "at least 1");
    require(width > 0 && width % heads == 0, "--width", width, "a multiple of --heads");
    require(context >= 32, "--context", context, "at least 32");
    require(batch > 0, "--batch", batch, "at least 1");
    require(tokens >= (long) batch * context, "--tokens", tokens, "at least one batch of rows");
    require(
        restartTokens >= (long) batch * context && restartTokens <= tokens,
        "--restart",
        restartTokens,
        "at least one batch of rows, and at most --tokens");
    require(learningRate > 0 && learningRate < 1, "--learning-rate", learningRate, "0 to 1");
    require(repeatsShare >= 0 && repeatsShare <= 1, "--repeats", repeatsShare, "0 to 1");
    require(
        lateRepeatsShare >= 0 && lateRepeatsShare <= 1,
        "--late-repeats",
        lateRepeatsShare,
        "0 to 1");
  }

  /** The share of repeated random sequences over the run's rows. */
  RepeatsShare repeats() {
    return new RepeatsShare(repeatsShare, lateRepeatsShare, restartStep() * batch * 2 / 5);
  }

  /** Steps of the run: whole batches, the last one reaching the asked tokens. */
  public long steps() {
    return steps(tokens);
  }

  /** The step at which the learning rate starts anew. */
  public long restartStep() {
    return steps(restartTokens);
  }

  private long steps(long some) {
    long perStep = (long) batch * context;
    return (some + perStep - 1) / perStep;
  }

  private static void require(boolean holds, String option, Object value, String accepted) {
    if (!holds) {
      throw new IllegalArgumentException(option + " is " + value + "; expected " + accepted);
    }
  }
}
