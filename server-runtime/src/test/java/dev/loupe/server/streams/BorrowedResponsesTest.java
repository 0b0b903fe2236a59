package dev.loupe.server.streams;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.BytesValue;
import com.google.protobuf.UnsafeByteOperations;
import dev.loupe.server.Channels;
import dev.loupe.server.GrpcServer;
import dev.loupe.server.testing.BytesService;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.netty.util.internal.PlatformDependent;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BorrowedResponsesTest {
  private static final int MEBIBYTE = 1 << 20;

  private final BlockingCalls calls = new BlockingCalls("test", 2);
  private final BytesService service = new BytesService();
  private final GrpcServer server = GrpcServer.builder().service(service).start();
  private final ManagedChannel channel = Channels.plaintext("127.0.0.1:" + server.port());
  private final Channel borrowing = ClientInterceptors.intercept(channel, new BorrowedResponses());

  @AfterEach
  void close() {
    Channels.close(channel);
    server.close();
    calls.close();
  }

  private static byte[] random(long seed, int size) {
    byte[] bytes = new byte[size];
    new SplittableRandom(seed).nextBytes(bytes);
    return bytes;
  }

  /** Reads a stream; each response is looked at inside the callback. Gives the end. */
  private static CompletableFuture<Throwable> read(
      Channel channel, int atOnce, Consumer<ByteString> look) {
    CompletableFuture<Throwable> end = new CompletableFuture<>();
    ClientCalls.asyncServerStreamingCall(
        channel.newCall(BytesService.SERVER_STREAM, CallOptions.DEFAULT),
        BytesService.bytes(1),
        new ClientResponseObserver<BytesValue, BytesValue>() {
          private ClientCallStreamObserver<BytesValue> requests;

          @Override
          public void beforeStart(ClientCallStreamObserver<BytesValue> stream) {
            requests = stream;
            stream.disableAutoRequestWithInitial(atOnce);
          }

          @Override
          public void onNext(BytesValue response) {
            look.accept(response.getValue());
            requests.request(1);
          }

          @Override
          public void onError(Throwable t) {
            end.complete(t);
          }

          @Override
          public void onCompleted() {
            end.complete(null);
          }
        });
    return end;
  }

  @Test
  void responsesOfAnySizeArriveAsTheyWereSent() throws Exception {
    int[] sizes = {0, 1, 127, 128, 16_383, 16_384, 65_537, MEBIBYTE, 3 * MEBIBYTE + 17};
    service.serverStream(
        (request, responses) ->
            calls.serverStream(
                responses,
                StreamLimits.DEFAULT,
                sender -> {
                  for (int size : sizes) {
                    sender.send(BytesValue.of(ByteString.copyFrom(random(size, size))));
                  }
                }));
    List<byte[]> received = new ArrayList<>();
    Throwable end = read(borrowing, 2, data -> received.add(data.toByteArray())).get();

    assertThat(end).isNull();
    assertThat(received).hasSize(sizes.length);
    for (int i = 0; i < sizes.length; i++) {
      assertThat(received.get(i)).as("%d bytes", sizes[i]).isEqualTo(random(sizes[i], sizes[i]));
    }
  }

  @Test
  void theMemoryOfEachResponseGoesBackToTheTransport() throws Exception {
    int count = 400;
    BytesValue response = BytesService.bytes(MEBIBYTE);
    service.serverStream(
        (request, responses) ->
            calls.serverStream(
                responses,
                StreamLimits.DEFAULT,
                sender -> {
                  for (int i = 0; i < count; i++) {
                    sender.send(response);
                  }
                }));
    long[] received = new long[1];
    assertThat(read(borrowing, 2, data -> received[0] += data.size()).get()).isNull();

    assertThat(received[0]).isEqualTo((long) count * MEBIBYTE);
    // Four hundred mebibytes went through; what the transport's pools keep is a fraction of it.
    assertThat(PlatformDependent.usedDirectMemory()).isLessThan(200L * MEBIBYTE);
  }

  @Test
  void aCallThatIsCancelledInTheMiddleLeavesTheChannelUsable() throws Exception {
    service.serverStream(
        (request, responses) ->
            calls.serverStream(
                responses,
                StreamLimits.DEFAULT,
                sender -> {
                  while (true) {
                    sender.send(BytesService.bytes(MEBIBYTE));
                  }
                }));
    for (int i = 0; i < 5; i++) {
      Throwable end =
          read(
                  borrowing,
                  2,
                  data -> {
                    throw new IllegalStateException("the reader breaks");
                  })
              .get(20, TimeUnit.SECONDS);
      assertThat(end).isNotNull();
    }
    assertThat(BytesService.call(borrowing, BytesService.text("still here")))
        .isEqualTo(BytesService.text("still here"));
  }

  @Test
  void memoryMayChangeAsSoonAsASendReturned() throws Exception {
    int count = 24;
    ByteBuffer memory = ByteBuffer.allocateDirect(MEBIBYTE);
    service.serverStream(
        (request, responses) ->
            calls.serverStream(
                responses,
                StreamLimits.DEFAULT.withReadyBytes(8 * MEBIBYTE),
                sender -> {
                  for (int i = 0; i < count; i++) {
                    memory.duplicate().put(random(i, MEBIBYTE));
                    sender.send(BytesValue.of(UnsafeByteOperations.unsafeWrap(memory)));
                    byte[] rubbish = new byte[MEBIBYTE];
                    Arrays.fill(rubbish, (byte) 0x5a);
                    memory.duplicate().put(rubbish);
                  }
                }));
    for (Channel reader : List.of(borrowing, channel)) {
      List<byte[]> received = new ArrayList<>();
      // A reader that is slow to start: what was sent lies in the transport for a while.
      Throwable end =
          read(
                  reader,
                  1,
                  data -> {
                    pauseBefore(received.isEmpty());
                    received.add(data.toByteArray());
                  })
              .get();
      assertThat(end).isNull();
      assertThat(received).hasSize(count);
      for (int i = 0; i < count; i++) {
        assertThat(received.get(i)).as("message %d", i).isEqualTo(random(i, MEBIBYTE));
      }
    }
  }

  private static void pauseBefore(boolean first) {
    try {
      Thread.sleep(first ? 300 : 0);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
