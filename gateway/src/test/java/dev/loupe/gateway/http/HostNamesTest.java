package dev.loupe.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which names are the gateway's. */
class HostNamesTest {
  @Test
  void namesOfTheOperator() {
    HostNames names = new HostNames("127.0.0.1", List.of("Loupe.Lab.Example", "*.svc.example"));
    assertThat(names.allows("loupe.lab.example:443")).isTrue();
    assertThat(names.allows("LOUPE.lab.example.")).isTrue();
    assertThat(names.allows("lab.example")).isFalse();
    assertThat(names.allows("a.loupe.lab.example")).isFalse();
    assertThat(names.allows("a.svc.example")).isTrue();
    assertThat(names.allows("a.b.svc.example:80")).isTrue();
    assertThat(names.allows("svc.example")).isFalse();
    assertThat(names.allows("asvc.example")).isFalse();
    assertThat(names.allows(null)).isFalse();
    assertThat(new HostNames("127.0.0.1", List.of("*")).allows("any.example")).isTrue();
  }

  @Test
  void theHostThatItListensOn() {
    assertThat(new HostNames("gpu-box.lab", List.of()).allows("gpu-box.lab:8080")).isTrue();
    assertThat(new HostNames("127.0.0.1", List.of()).allows("gpu-box.lab:8080")).isFalse();
  }

  @Test
  void thisMachinesNameWhereOthersCanReachIt() throws Exception {
    String name = InetAddress.getLocalHost().getHostName();
    assertThat(new HostNames("0.0.0.0", List.of()).allows(name + ":8080")).isTrue();
    assertThat(new HostNames("0.0.0.0", List.of()).allows("evil.example")).isFalse();
  }
}
