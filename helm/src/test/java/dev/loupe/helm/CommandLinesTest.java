package dev.loupe.helm;

import static org.assertj.core.api.Assertions.assertThat;

import io.kubernetes.client.openapi.models.V1Container;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The containers' command lines, tried on the programs themselves. */
class CommandLinesTest {
  private static final String MUCH =
      """
      javaOptions: [-Xmx256m]
      inference: {models: [a/b, "c=d/e"], loadFromHub: ["lab/*", gpt2], loadFrom: [/models], extraArgs: [--threads=4]}
      gateway: {allowHosts: ["*.lab.example"], allowOrigins: ["https://a.example", "https://b.example"]}
      """;

  @ParameterizedTest
  @ValueSource(strings = {"inference", "sae", "feature-store", "gateway"})
  void theProgramTakesEveryOption(String component) throws Exception {
    V1Container container = Chart.render(MUCH).container(component);
    Run run = run(container, "--help");
    assertThat(run.exit()).as(run.output()).isZero();
    assertThat(run.output()).contains("Usage: loupe-").contains("--metrics-port");
    Run wrong = run(container, "--no-such-option=1");
    assertThat(wrong.exit()).isEqualTo(2);
    assertThat(wrong.output()).contains("--no-such-option");
  }

  @ParameterizedTest
  @ValueSource(strings = {"inference", "sae", "feature-store", "gateway"})
  void portsAreThoseThatTheProgramIsTold(String component) {
    V1Container container = Chart.render().container(component);
    assertThat(container.getArgs())
        .contains(
            "--host=0.0.0.0",
            "--port=" + port(container, "grpc"),
            "--metrics-port=" + port(container, "metrics"));
  }

  @Test
  void modelsComeOneByOne() {
    assertThat(Chart.render(MUCH).container("inference").getArgs())
        .contains("--model=a/b", "--model=c=d/e", "--threads=4");
  }

  @ParameterizedTest
  @ValueSource(strings = {"sae", "gateway"})
  void targetsNameServicesAndPortsThatAreThere(String component) {
    Rendered rendered = Chart.render();
    Pattern target = Pattern.compile("--[a-z-]+=(loupe-k8s:///loupe-([a-z-]+):([a-z]+))");
    List<String> found = new ArrayList<>();
    for (String arg : rendered.container(component).getArgs()) {
      Matcher matcher = target.matcher(arg);
      if (matcher.matches()) {
        assertThat(URI.create(matcher.group(1)).getAuthority()).isNull();
        assertThat(rendered.service(matcher.group(2)).getSpec().getPorts())
            .anyMatch(port -> port.getName().equals(matcher.group(3)));
        found.add(matcher.group(2));
      }
    }
    assertThat(found)
        .containsExactlyElementsOf(
            component.equals("sae")
                ? List.of("inference", "feature-store")
                : List.of("inference", "sae", "feature-store"));
  }

  private record Run(int exit, String output) {}

  /** Runs a container's program as the container would, with one more argument. */
  private static Run run(V1Container container, String argument)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(container.getCommand());
    assertThat(command.get(0)).isEqualTo("java");
    command.set(0, Path.of(System.getProperty("java.home"), "bin", "java").toString());
    assertThat(command.set(command.indexOf("-cp") + 1, System.getProperty("java.class.path")))
        .isEqualTo("/opt/loupe/lib/*");
    command.addAll(container.getArgs());
    command.add(argument);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Run(process.waitFor(), output);
  }

  private static int port(V1Container container, String name) {
    return container.getPorts().stream()
        .filter(port -> port.getName().equals(name))
        .findFirst()
        .orElseThrow()
        .getContainerPort();
  }
}
