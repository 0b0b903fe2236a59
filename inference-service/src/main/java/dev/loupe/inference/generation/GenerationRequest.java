package dev.loupe.inference.generation;

import dev.loupe.inference.model.hooks.HookProgram;
import java.util.Set;

/**
 * What to continue, and how.
 *
 * @param prompt tokens, at least one
 * @param maxNewTokens 1 or more; prompt and new tokens fit the context
 * @param sampling how tokens are chosen
 * @param stopTokens end the text after one of them
 * @param program edits at every token; positions count within the whole text
 */
public record GenerationRequest(
    int[] prompt,
    int maxNewTokens,
    SamplingOptions sampling,
    Set<Integer> stopTokens,
    HookProgram program) {}
