package dev.loupe.sae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc.InferenceServiceImplBase;
import dev.loupe.proto.inference.v1.Model;
import dev.loupe.server.GrpcServer;
import dev.loupe.server.Tls;
import dev.loupe.server.Upstream;
import dev.loupe.server.UpstreamOptions;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.testkit.grpc.SelfSignedCertificate;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The services that this one calls may be behind TLS. */
class UpstreamTlsTest {
  @TempDir Path folder;

  private record Options(@CommandLine.Mixin UpstreamOptions upstream) {}

  @Test
  void callsGoOverTlsWhereTheOptionSaysWhomToTrust() throws Exception {
    SelfSignedCertificate made = SelfSignedCertificate.in(folder);
    try (GrpcServer inference =
        GrpcServer.builder()
            .tls(new Tls(made.certificate(), made.key()))
            .service(new OneModel())
            .start()) {
      UpstreamOptions options = new UpstreamOptions();
      new CommandLine(new Options(options))
          .parseArgs("--upstream-ca", made.certificate().toString());
      assertThat(createdCorpora(inference, options.upstream())).isEqualTo(1);
      assertThatThrownBy(() -> createdCorpora(inference, Upstream.PLAIN_TEXT))
          .satisfies(
              e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.INFERENCE_UNAVAILABLE));
    }
  }

  private long createdCorpora(GrpcServer inference, Upstream upstream) {
    Path data = folder.resolve(upstream.authorities() == null ? "plain" : "tls");
    try (SaeServer server =
            SaeServer.start(
                SaeConfig.of(data, "127.0.0.1:" + inference.port(), "127.0.0.1:1")
                    .withUpstream(upstream));
        SaeClient client = new SaeClient(server.target())) {
      return client.createCorpus("texts", List.of(new int[] {1, 2})).getRows();
    }
  }

  private static final class OneModel extends InferenceServiceImplBase {
    @Override
    public void getModel(GetModelRequest request, StreamObserver<Model> responses) {
      responses.onNext(Model.newBuilder().setVocabularySize(9).setContextSize(9).build());
      responses.onCompleted();
    }
  }
}
