package dev.loupe.gateway.analysis;

import java.util.List;

/**
 * What a forward pass over a prompt gave.
 *
 * @param ids token ids, the beginning-of-text token first
 * @param tokens what each stands for
 * @param predictions after the last token, likeliest first
 * @param activations one row for each token
 */
public record Pass(
    List<Integer> ids,
    List<String> tokens,
    List<Prediction> predictions,
    Activations activations) {}
