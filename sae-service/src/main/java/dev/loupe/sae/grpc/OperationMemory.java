package dev.loupe.sae.grpc;

import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.operations.OperationContext;
import dev.loupe.server.sharing.Claimant;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.sharing.MemoryNeed;

/** Reserves memory for operations, which nobody waits for at the other end of a call. */
final class OperationMemory {
  private final MemoryBudget budget;

  OperationMemory(MemoryBudget budget) {
    this.budget = budget;
  }

  /** Fails with OUT_OF_BUDGET, and what would fit, where an operation can never run. */
  void requireFits(MemoryNeed need) {
    budget.requireFits(need);
  }

  /**
   * Reserves memory, waiting for it as long as others hold it or until the operation is stopped.
   */
  MemoryBudget.Reservation reserve(MemoryNeed need, OperationContext context) {
    Claimant operation = Claimant.of("operations", context::throwIfStopped);
    while (true) {
      try {
        return budget.reserve(need, operation);
      } catch (LoupeException e) {
        if (context.isStopped() || !LoupeErrors.passes(e)) {
          throw e;
        }
      }
    }
  }
}
