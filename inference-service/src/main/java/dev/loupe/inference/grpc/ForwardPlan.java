package dev.loupe.inference.grpc;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.grpc.requests.Captures;
import dev.loupe.inference.grpc.requests.Checks;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.Interventions;
import dev.loupe.inference.grpc.requests.Prompts;
import dev.loupe.inference.grpc.requests.RequestedCapture;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.PassRows;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.PassRequest;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A forward pass as asked for, checked and with its answer's size predicted.
 *
 * @param model to run
 * @param rows tokens of each prompt
 * @param bosPrepended for each prompt, whether the beginning-of-text token was put before it
 * @param captures what is answered of activations, or kept
 * @param keep how long captures stay on the server; null to answer them
 * @param ownerKey under which what is kept is listed; empty for no list
 * @param program edits and captures, to which live hooks may be added
 * @param topK likeliest tokens at each place; 0 for no predictions
 * @param positions absolute, for each row
 * @param loss gives the loss of each token
 */
record ForwardPlan(
    ServedModel model,
    List<int[]> rows,
    List<Boolean> bosPrepended,
    List<RequestedCapture> captures,
    Duration keep,
    String ownerKey,
    HookProgram.Builder program,
    int topK,
    List<int[]> positions,
    boolean loss) {
  private static final int MAX_PROMPTS = 64;
  private static final int MAX_TOP_K = 100;
  private static final long TOKEN_BYTES = 16;

  /** About what one kept value takes in an answer. */
  private static final long KEPT_ENTRY_BYTES = 200;

  static ForwardPlan of(ServedModel model, RunForwardPassRequest request) {
    Prompts prompts = new Prompts(model);
    boolean omitBos = request.getOmitBos();
    List<int[]> rows = prompts.rows("prompts", request.getPromptsList(), omitBos, MAX_PROMPTS);
    List<Boolean> bosPrepended =
        request.getPromptsList().stream().map(p -> prompts.prependsBos(p, omitBos)).toList();
    List<RequestedCapture> captures = Captures.of(model, "captures", request.getCapturesList(), 0);
    Duration keep = request.hasKeep() ? KeptRuns.timeToLive(request) : null;
    String ownerKey = KeptRuns.ownerKey("keep.owner_key", request.getKeep().getOwnerKey());
    int topK = Checks.count("top_k", request.getTopK(), MAX_TOP_K, 0);
    List<int[]> positions = new ArrayList<>();
    for (int row = 0; row < rows.size(); row++) {
      positions.add(positions(request.getPredictionPositionsList(), row, rows.get(row).length));
    }
    HookProgram.Builder program = HookProgram.builder(model.config());
    Interventions.compile(model, request.getInterventionsList(), program);
    Interventions.checkPlaces(request.getInterventionsList(), rows);
    Captures.addTo(program, captures);
    ForwardPlan plan =
        new ForwardPlan(
            model,
            rows,
            bosPrepended,
            captures,
            keep,
            ownerKey,
            program,
            topK,
            positions,
            request.getLoss());
    DomainErrors.translated(() -> program.build().check(plan.places()));
    Checks.responseFits(
        plan.responseBytes(),
        "ask for fewer hook points, prompts or predictions, or use StreamActivations");
    return plan;
  }

  private static int[] positions(List<Integer> asked, int row, int length) {
    if (asked.isEmpty()) {
      return new int[] {length - 1};
    }
    int[] positions = new int[asked.size()];
    for (int i = 0; i < positions.length; i++) {
      int position = asked.get(i);
      positions[i] = position < 0 ? length + position : position;
      if (positions[i] < 0 || positions[i] >= length) {
        throw LoupeException.of(
                ErrorReason.POSITION_OUT_OF_RANGE,
                "prediction_positions[%d] is %d; row %d has %d tokens, so give %d to %d"
                    .formatted(i, position, row, length, -length, length - 1))
            .with("field", "prediction_positions");
      }
    }
    return positions;
  }

  /** Which token each column stands for. */
  PassRows places() {
    return PassRows.of(rows.stream().mapToInt(row -> row.length).toArray());
  }

  TokenBatch batch() {
    return TokenBatch.of(rows);
  }

  /** Logits are made only where somebody looks at them. */
  LogitsMode logits() {
    if (loss) {
      return LogitsMode.ALL;
    }
    if (topK == 0) {
      return LogitsMode.NONE;
    }
    for (int row = 0; row < rows.size(); row++) {
      for (int position : positions.get(row)) {
        if (position != rows.get(row).length - 1) {
          return LogitsMode.ALL;
        }
      }
    }
    return LogitsMode.LAST;
  }

  PassCost cost() {
    return PassCost.of(model.config(), batch(), logits(), program.build());
  }

  Work work() {
    return new Work(model.id(), rows.size(), tokens());
  }

  /** The pass, whose answer is begun while the device is held. */
  PassRequest<ForwardResponses> request(Call call, NDManager scope) {
    return new PassRequest<>(
        call,
        model,
        scope,
        batch(),
        program.build(),
        logits(),
        result -> new ForwardResponses(this, result));
  }

  private int tokens() {
    return rows.stream().mapToInt(row -> row.length).sum();
  }

  private long responseBytes() {
    long bytes = TOKEN_BYTES * tokens();
    for (RequestedCapture capture : captures) {
      long wire = capture.wireBytes(places());
      bytes += keep == null ? wire : KEPT_ENTRY_BYTES;
    }
    for (int[] ofRow : positions) {
      bytes += Checks.SCORED_TOKEN_BYTES * topK * ofRow.length;
    }
    return bytes;
  }
}
