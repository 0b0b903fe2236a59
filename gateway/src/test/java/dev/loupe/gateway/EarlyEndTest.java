package dev.loupe.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.MethodDescriptor;
import dev.loupe.gateway.fakes.FakeLoupe;
import dev.loupe.gateway.frames.Http2Connection;
import dev.loupe.gateway.frames.Http2Connection.Frame;
import dev.loupe.proto.features.v1.Features;
import dev.loupe.proto.inference.v1.Attribution;
import dev.loupe.proto.inference.v1.Heads;
import dev.loupe.proto.inference.v1.Inference;
import dev.loupe.proto.inference.v1.Neurons;
import dev.loupe.proto.inference.v1.Patching;
import dev.loupe.proto.sae.v1.Sae;
import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A service may end a call before its client has. The client then gets the status and nothing after
 * it: a reset that follows on its heels takes the status's place in clients that read both at once,
 * such as Python's.
 */
@Timeout(60)
class EarlyEndTest {
  @RegisterExtension static final FakeLoupe loupe = new FakeLoupe();

  static Stream<String> callsInWhichTheClientStreams() {
    return Stream.of(
            Inference.getDescriptor(),
            Attribution.getDescriptor(),
            Patching.getDescriptor(),
            Heads.getDescriptor(),
            Neurons.getDescriptor(),
            Sae.getDescriptor(),
            Features.getDescriptor())
        .flatMap(file -> file.getServices().stream())
        .flatMap(service -> service.getMethods().stream())
        .filter(MethodDescriptor::isClientStreaming)
        .map(method -> "/" + method.getService().getFullName() + "/" + method.getName());
  }

  /** The fakes refuse the first message, or the whole call; all of it before the client is done. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("callsInWhichTheClientStreams")
  void theStatusIsTheLastThing(String path) throws IOException {
    byte[] unreadable = {(byte) 0xff};
    try (Http2Connection connection = new Http2Connection(loupe.port())) {
      connection.open(1, path, unreadable);
      List<Frame> answer = connection.untilEnd(1);
      assertThat(answer.get(answer.size() - 1).endsStream()).isTrue();
      assertThat(answer.get(answer.size() - 1).type()).isEqualTo(Http2Connection.HEADERS);
      assertThat(connection.untilPong(1)).extracting(Frame::type).isEmpty();

      connection.halfClose(1);
      assertThat(connection.untilPong(1)).extracting(Frame::type).isEmpty();
    }
  }
}
