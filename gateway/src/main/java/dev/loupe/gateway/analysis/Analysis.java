package dev.loupe.gateway.analysis;

import java.util.List;

/**
 * A look at a prompt.
 *
 * @param tokens the beginning-of-text token first
 * @param predictions the likeliest next tokens, likeliest first
 * @param hookPoint where the dictionary reads
 */
public record Analysis(
    List<AnalyzedToken> tokens, List<Prediction> predictions, String hookPoint) {}
