package dev.loupe.inference.scheduling;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.serving.ServedModel;
import java.util.function.Function;

/**
 * A forward pass that a request wants, alone or with others.
 *
 * @param call whose it is
 * @param model to run
 * @param scope owns the result's arrays
 * @param batch rows to run
 * @param program what happens at their hook points
 * @param logits for which positions logits are made
 * @param onDevice makes the answer of the result while the device is still held; what needs no
 *     device is better done afterwards
 */
public record PassRequest<T>(
    Call call,
    ServedModel model,
    NDManager scope,
    TokenBatch batch,
    HookProgram program,
    LogitsMode logits,
    Function<ForwardResult, T> onDevice) {}
