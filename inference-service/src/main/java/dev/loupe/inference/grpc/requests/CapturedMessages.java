package dev.loupe.inference.grpc.requests;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.captures.CaptureLayout;
import dev.loupe.proto.inference.v1.ActivationChunk;
import dev.loupe.proto.inference.v1.CapturedActivation;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.NdArrays;
import dev.loupe.tensor.grpc.TensorMessages;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/** What captures kept, as messages that share its memory where the type stays F32. */
public final class CapturedMessages {
  private CapturedMessages() {}

  /**
   * One message with the whole value.
   *
   * @param kept values, and where the capture gives them, indices; it must stay until the message
   *     is sent
   */
  public static CapturedActivation whole(
      RequestedCapture capture, CaptureLayout layout, List<NDArray> kept) {
    return message(capture, layout, kept, NdArrays::view);
  }

  /** The same over copies of the memory. */
  public static CapturedActivation copied(
      RequestedCapture capture, CaptureLayout layout, List<NDArray> kept) {
    return message(capture, layout, kept, NdArrays::copy);
  }

  private static CapturedActivation message(
      RequestedCapture capture,
      CaptureLayout layout,
      List<NDArray> kept,
      Function<NDArray, HostTensor> memory) {
    CapturedActivation.Builder message =
        CapturedActivation.newBuilder()
            .setHookPoint(capture.point().name())
            .setCapture(capture.index());
    HostTensor values = memory.apply(kept.get(0)).as(capture.compiled().capture().wireType());
    message.setValue(TensorMessages.toMessage(new LabelledTensor(values, layout.labels())));
    if (kept.size() > 1) {
      HostTensor indices = memory.apply(kept.get(1));
      message.setIndices(TensorMessages.toMessage(new LabelledTensor(indices, layout.labels())));
    }
    return message.build();
  }

  /**
   * The same piece by piece.
   *
   * @return data bytes in all
   */
  public static long chunks(
      RequestedCapture capture,
      CaptureLayout layout,
      List<NDArray> kept,
      Consumer<ActivationChunk> out) {
    long bytes = 0;
    for (int part = 0; part < kept.size(); part++) {
      HostTensor view = NdArrays.view(kept.get(part));
      HostTensor values = part == 0 ? view.as(capture.compiled().capture().wireType()) : view;
      var chunks = TensorMessages.chunks(new LabelledTensor(values, layout.labels()));
      while (chunks.hasNext()) {
        out.accept(
            ActivationChunk.newBuilder()
                .setHookPoint(capture.point().name())
                .setCapture(capture.index())
                .setIndices(part > 0)
                .setChunk(chunks.next())
                .build());
      }
      bytes += values.data().remaining();
    }
    return bytes;
  }
}
