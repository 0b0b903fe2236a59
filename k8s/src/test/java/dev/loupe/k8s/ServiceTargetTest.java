package dev.loupe.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.net.URI;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServiceTargetTest {

  @Test
  void readsNamesAndNumbers() {
    assertThat(parse("loupe-k8s:///loupe-inference.lab:grpc"))
        .isEqualTo(new ServiceTarget("loupe-inference", "lab", "grpc"));
    assertThat(parse("loupe-k8s:///inference:50051"))
        .isEqualTo(new ServiceTarget("inference", "own", "50051"));
    assertThat(parse("loupe-k8s:///inference:50051").portIsNumber()).isTrue();
    assertThat(parse("loupe-k8s:///inference:grpc").portIsNumber()).isFalse();
    assertThat(parse("loupe-k8s:///inference.lab:grpc").authority()).isEqualTo("inference.lab");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "loupe-k8s:///inference.lab",
        "loupe-k8s://inference.lab:50051",
        "loupe-k8s://api-server/inference.lab:50051",
        "loupe-k8s:///inference.lab.svc:50051",
        "loupe-k8s:///Inference:grpc",
        "loupe-k8s:///inference.lab:",
        "loupe-k8s:///:grpc",
        "loupe-k8s:///inference:0",
        "loupe-k8s:///inference:65536",
        "loupe-k8s:inference:grpc"
      })
  void refusesOtherTargets(String target) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> parse(target))
        .withMessageContaining(target);
  }

  private static ServiceTarget parse(String target) {
    return ServiceTarget.parse(URI.create(target), () -> "own");
  }
}
