package dev.loupe.inference.grpc;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.grpc.requests.FloatTensors;
import dev.loupe.inference.grpc.requests.ModelMessages;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.proto.inference.v1.ActivationChunk;
import dev.loupe.proto.inference.v1.RunWithHooksRequest;
import dev.loupe.proto.inference.v1.RunWithHooksResponse;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.streams.InboundStream;
import dev.loupe.server.streams.StreamSender;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.NdArrays;
import dev.loupe.tensor.grpc.TensorAssembler;
import dev.loupe.tensor.grpc.TensorMessages;
import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/** One client's answers to the pauses of its pass. */
final class HookConversation {
  private final InboundStream<RunWithHooksRequest> requests;
  private final StreamSender<RunWithHooksResponse> sender;
  private final Duration deadline;

  HookConversation(
      InboundStream<RunWithHooksRequest> requests,
      StreamSender<RunWithHooksResponse> sender,
      Duration deadline) {
    this.requests = requests;
    this.sender = sender;
    this.deadline = deadline;
  }

  /** Sends a value, waits for the client, and gives what to go on with. */
  NDArray ask(HookPoint point, NDArray value) {
    HostTensor original = NdArrays.view(value);
    var chunks = TensorMessages.chunks(new LabelledTensor(original, ModelMessages.axes(point)));
    while (chunks.hasNext()) {
      sender.send(
          RunWithHooksResponse.newBuilder()
              .setActivation(
                  ActivationChunk.newBuilder().setHookPoint(point.name()).setChunk(chunks.next()))
              .build());
    }
    Optional<HostTensor> replacement = answer(point, original);
    return replacement.map(tensor -> NdArrays.of(value.getManager(), tensor)).orElse(value);
  }

  private Optional<HostTensor> answer(HookPoint point, HostTensor original) {
    TensorAssembler assembler = new TensorAssembler(original.data().remaining());
    long end = System.nanoTime() + deadline.toNanos();
    while (true) {
      RunWithHooksRequest message = next(point, end);
      switch (message.getMessageCase()) {
        case KEEP -> {
          if (assembler.isPartial()) {
            throw outOfTurn(point, "keep, in the middle of a replacement");
          }
          return Optional.empty();
        }
        case REPLACEMENT -> {
          Optional<LabelledTensor> whole = assembler.add(message.getReplacement());
          if (whole.isPresent()) {
            return Optional.of(checked(point, original, whole.get().tensor()));
          }
        }
        default -> throw outOfTurn(point, "neither keep nor a replacement");
      }
    }
  }

  private RunWithHooksRequest next(HookPoint point, long end) {
    Duration left = Duration.ofNanos(Math.max(0, end - System.nanoTime()));
    Optional<RunWithHooksRequest> message = requests.poll(left);
    if (message.isPresent()) {
      return message.get();
    }
    if (requests.isFinished()) {
      throw LoupeException.of(
          ErrorReason.INVALID_VALUE,
          "the client half-closed while the pass waited at %s; answer each pause".formatted(point));
    }
    throw LoupeException.of(
            ErrorReason.HOOK_DEADLINE,
            "no answer at %s within %d ms; answer sooner, or give a longer hook_deadline"
                .formatted(point, deadline.toMillis()))
        .with("hook_point", point.name());
  }

  private static LoupeException outOfTurn(HookPoint point, String got) {
    return LoupeException.of(
        ErrorReason.INVALID_VALUE,
        "at %s came %s; answer with keep, or with all chunks of a replacement"
            .formatted(point, got));
  }

  /** The replacement in F32, when it fits. */
  private static HostTensor checked(HookPoint point, HostTensor original, HostTensor replacement) {
    if (!FloatTensors.isAccepted(replacement.type())
        || !Arrays.equals(replacement.shape(), original.shape())) {
      throw FloatTensors.wrongShape(
          "the replacement at " + point, replacement, Arrays.toString(original.shape()));
    }
    HostTensor wide = replacement.toF32();
    FloatBuffer values = wide.data().asFloatBuffer();
    for (int i = 0; i < values.limit(); i++) {
      float value = values.get(i);
      if (!point.kind().mayHold(value)) {
        throw LoupeException.of(
            ErrorReason.NOT_FINITE,
            "the replacement at %s holds %s at element %d; give finite numbers"
                .formatted(point, value, i));
      }
    }
    return wide;
  }
}
