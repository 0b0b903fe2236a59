package dev.loupe.helm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatException;

import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Values that the chart refuses, and what it says. */
class ChartValuesTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{inferense: {}} | inferense",
        "{image: {repo: x}} | repo",
        "{image: {repository: ''}} | repository",
        "{image: {pullPolicy: Sometimes}} | pullPolicy",
        "{logLevel: LOUD} | logLevel",
        "{drainSeconds: -1} | drainSeconds",
        "{inference: {replicas: one}} | replicas",
        "{inference: {models: []}} | models",
        "{inference: {models: ['a,b']}} | models",
        "{inference: {gpu: {count: 1.5}}} | count",
        "{inference: {gpu: {resource: gpu}}} | resource",
        "{inference: {cache: {accessMode: Any}}} | accessMode",
        "{inference: {cache: {size: much}}} | size",
        "{inference: {hub: {endpoint: 'ftp://x'}}} | endpoint",
        "{inference: {resources: {limit: {}}}} | limit",
        "{sae: {replicas: 2}} | replicas",
        "{featureStore: {sqlite: {size: 3}}} | size",
        "{featureStore: {postgresql: {url: 'jdbc:postgresql://x'}}} | url",
        "{gateway: {service: {port: 70000}}} | port",
        "{gateway: {allowHosts: ['https://loupe.example']}} | allowHosts",
        "{gateway: {allowHosts: ['loupe.example:443']}} | allowHosts",
        "{gateway: {allowOrigins: ['example']}} | allowOrigins",
        "{serviceMonitor: {interval: often}} | interval",
      })
  void theSchemaRefusesWhatIsNoValue(String values, String named) {
    assertThatException()
        .isThrownBy(() -> Chart.render(values))
        .withMessageContaining("values don't meet the specifications of the schema")
        .withMessageContaining(named);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{featureStore: {replicas: 2}} | featureStore.replicas is 2, but SQLite is a file of one"
            + " process",
        "{inference: {replicas: 3}} | inference.replicas is 3, but a ReadWriteOnce volume",
        "{drainSeconds: 45} | drainSeconds is 45, but Kubernetes ends pods after",
        "{inference: {resources: {limits: {nvidia.com/gpu: 1}}}} | inference.resources.limits has"
            + " nvidia.com/gpu",
        "{inference: {resources: {requests: {nvidia.com/gpu: 1}}}} | inference.resources.requests"
            + " has nvidia.com/gpu",
      })
  void contradictionsAreSaidInASentence(String values, String sentence) {
    assertThatException().isThrownBy(() -> Chart.render(values)).withMessageContaining(sentence);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{inference: {replicas: 3, cache: {accessMode: ReadWriteMany}}}",
        "{inference: {replicas: 3, cache: {enabled: false}}}",
        "{inference: {resources: {}}}",
        "{featureStore: {replicas: 2, postgresql: {urlSecret: {name: x}}}}",
        "{drainSeconds: 44}",
        "{javaOptions: []}",
      })
  void whatGoesTogetherIsTaken(String values) {
    assertThat(Chart.render(values).deployments()).hasSize(4);
  }

  @Test
  void theDefaultsAreShortAndCommented() throws IOException {
    assertThat(Files.readAllLines(Chart.FOLDER.resolve("values.yaml"))).hasSizeLessThan(120);
  }
}
