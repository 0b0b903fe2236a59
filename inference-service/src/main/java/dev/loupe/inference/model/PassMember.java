package dev.loupe.inference.model;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.hooks.HookProgram;

/**
 * One request's part in a pass that several share.
 *
 * @param scope owns the request's results
 * @param batch its rows
 * @param program what happens to its rows
 * @param logits for which of its positions logits are made
 */
public record PassMember(
    NDManager scope, TokenBatch batch, HookProgram program, LogitsMode logits) {}
