package dev.loupe.standalone.pretrain;

/**
 * What a model has learnt so far.
 *
 * @param heldOutLoss mean cross-entropy on held-out text without random sequences, in nats per
 *     token
 * @param statesCorrect of the US states' capitals, those whose first token is the likeliest
 * @param statesAsked how many states were asked for
 * @param capitalProbability mean probability of the first token of the right capital
 * @param inductionScore of the best head: mean attention, over the second copy of a random
 *     sequence, to the token after the earlier copy
 * @param previousTokenScore of the best head: mean attention to the token before, on the same
 *     sequences
 */
public record ProbeResult(
    double heldOutLoss,
    int statesCorrect,
    int statesAsked,
    double capitalProbability,
    double inductionScore,
    double previousTokenScore) {}
