package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.NeuronGroup;
import dev.loupe.proto.inference.v1.NeuronServiceGrpc;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunWithHooksHeader;
import dev.loupe.proto.inference.v1.RunWithHooksRequest;
import dev.loupe.proto.inference.v1.RunWithHooksResponse;
import dev.loupe.proto.inference.v1.ScanNeuronsHeader;
import dev.loupe.proto.inference.v1.ScanNeuronsRequest;
import dev.loupe.proto.inference.v1.ScanNeuronsResponse;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.sharing.MemoryBudget;
import io.grpc.Channel;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Calls whose clients say nothing, beside another tenant that needs the memory they hold. */
@Timeout(180)
class SilentClientsTest {
  private static final int SILENT = 3;

  @TempDir private Path folder;

  /** A call that its client leaves alone once it is open; holds how it ends. */
  private static final class Ending<R> extends CompletableFuture<Void>
      implements StreamObserver<R> {
    @Override
    public void onNext(R response) {}

    @Override
    public void onError(Throwable t) {
      completeExceptionally(t);
    }

    @Override
    public void onCompleted() {
      complete(null);
    }
  }

  private static RunForwardPassRequest pass(int rows) {
    RunForwardPassRequest.Builder request =
        RunForwardPassRequest.newBuilder().setModel(ControlledServer.MODEL);
    for (int i = 0; i < rows; i++) {
      request.addPrompts(TinyServer.prompt(new int[48]));
    }
    return request.build();
  }

  private static CompletableFuture<Void> pausedPass(Channel channel) {
    Ending<RunWithHooksResponse> ending = new Ending<>();
    InferenceServiceGrpc.newStub(channel)
        .runWithHooks(ending)
        .onNext(
            RunWithHooksRequest.newBuilder()
                .setHeader(
                    RunWithHooksHeader.newBuilder()
                        .setForwardPass(pass(64))
                        .setHookDeadline(com.google.protobuf.Duration.newBuilder().setSeconds(300))
                        .addHookPoints("blocks.1.hook_resid_pre"))
                .build());
    return ending;
  }

  private static CompletableFuture<Void> openScan(Channel channel) {
    Ending<ScanNeuronsResponse> ending = new Ending<>();
    NeuronServiceGrpc.newStub(channel)
        .scanNeurons(ending)
        .onNext(
            ScanNeuronsRequest.newBuilder()
                .setHeader(
                    ScanNeuronsHeader.newBuilder()
                        .setModel(ControlledServer.MODEL)
                        .addNeurons(
                            NeuronGroup.newBuilder().setHookPoint("blocks.*.mlp.hook_post")))
                .build());
    return ending;
  }

  @Test
  void pausedPassesGiveWay() throws Exception {
    giveWay(SilentClientsTest::pausedPass);
  }

  @Test
  void openScansGiveWay() throws Exception {
    giveWay(SilentClientsTest::openScan);
  }

  /** A tenant's silent calls hold all memory; another tenant's pass gets it nevertheless. */
  private void giveWay(Function<Channel, CompletableFuture<Void>> open) throws Exception {
    Path model = TinyServer.folder(folder);
    long cost;
    try (ControlledServer server = new ControlledServer(model, 10)) {
      CompletableFuture<Void> one = open.apply(server.channel("crowd"));
      ControlledServer.await("the call holds memory", () -> server.reserved() > 0);
      assertThat(one).isNotDone();
      cost = server.reserved();
    }
    long all = SILENT * cost;
    MemoryBudget budget = new MemoryBudget(all, all, Duration.ofMinutes(2), Duration.ofMillis(1));
    try (ControlledServer server = new ControlledServer(model, 10, budget)) {
      List<CompletableFuture<Void>> silent = new ArrayList<>();
      for (int i = 1; i <= SILENT; i++) {
        silent.add(open.apply(server.channel("crowd")));
        long held = i * cost;
        ControlledServer.await("the call holds memory", () -> server.reserved() == held);
      }
      assertThat(server.stub("one").runForwardPass(pass(4)).get().getRowsCount()).isEqualTo(4);
      CompletableFuture.anyOf(silent.toArray(CompletableFuture[]::new))
          .handle((nothing, error) -> null)
          .get();
      List<Throwable> ended =
          silent.stream()
              .filter(CompletableFuture::isDone)
              .map(ending -> catchThrowable(ending::get))
              .map(Throwable::getCause)
              .toList();
      assertThat(ended)
          .isNotEmpty()
          .allSatisfy(
              error -> assertThat(LoupeErrors.reason(error)).contains(ErrorReason.OUT_OF_BUDGET))
          .allSatisfy(
              error -> assertThat(error).hasMessageContaining("while another tenant waited"));
    }
  }
}
