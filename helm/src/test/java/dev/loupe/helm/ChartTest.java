package dev.loupe.helm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatException;

import com.marcnuri.helm.LintResult;
import io.kubernetes.client.custom.Quantity;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1ContainerPort;
import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1EnvVar;
import io.kubernetes.client.openapi.models.V1PodSpec;
import io.kubernetes.client.openapi.models.V1Probe;
import io.kubernetes.client.openapi.models.V1Service;
import io.kubernetes.client.openapi.models.V1ServicePort;
import io.kubernetes.client.openapi.models.V1Volume;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What must hold of everything that the chart renders, whatever the values. */
class ChartTest {
  private static final String GPU = "{inference: {gpu: {count: 1}}}";
  private static final String POSTGRES =
      "{featureStore: {replicas: 3, postgresql: {urlSecret: {name: database}}}}";
  private static final String MUCH =
      """
      image: {repository: registry.example/loupe, tag: v9, pullSecrets: [key]}
      logLevel: DEBUG
      inference:
        replicas: 3
        models: [openai-community/gpt2, small=/models/small]
        hub: {endpoint: "https://hub.example", tokenSecret: {name: hub}}
        gpu: {count: 2, resource: nvidia.com/mig-1g.10gb}
        cache: {accessMode: ReadWriteMany, storageClass: shared}
        nodeSelector: {pool: gpu}
        tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
        extraArgs: [--threads=4]
      sae: {data: {storageClass: fast}, extraArgs: [--max-running=2]}
      featureStore: {replicas: 2, postgresql: {urlSecret: {name: database, key: jdbc}}}
      gateway:
        service: {type: LoadBalancer, port: 443}
        allowHosts: [loupe.example, "*.lab.example"]
        allowOrigins: ["https://a.example", "https://b.example"]
      serviceMonitor: {enabled: true, labels: {release: prometheus}}
      """;

  @Test
  void lintsWithoutAWarning() {
    LintResult result = Chart.lint();
    assertThat(result.isFailed()).as("%s", result.getMessages()).isFalse();
    assertThat(result.getMessages()).noneMatch(message -> message.contains("WARNING"));
  }

  @Test
  void fourDeploymentsAreMade() {
    assertThat(Chart.render().deployments())
        .extracting(deployment -> deployment.getMetadata().getName())
        .containsExactlyInAnyOrder(
            "loupe-inference", "loupe-sae", "loupe-feature-store", "loupe-gateway");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", GPU, POSTGRES, MUCH})
  void kubernetesKnowsEveryField(String values) {
    Rendered rendered = Chart.render(values);
    assertThat(rendered.objects()).hasSizeGreaterThan(10);
    for (Map<String, Object> object : rendered.objects()) {
      if (!object.get("kind").equals("ServiceMonitor")) {
        assertThat(Rendered.strict(object)).isNotNull();
      }
    }
  }

  @Test
  void aFieldThatKubernetesDoesNotKnowWouldBeSeen() {
    Map<String, Object> service = new HashMap<>(Chart.render().ofKind("Service").get(0));
    assertThat(Rendered.strict(service)).isNotNull();
    service.put("sepc", Map.of());
    assertThatException().isThrownBy(() -> Rendered.strict(service)).withMessageContaining("sepc");
    Map<String, Object> nested = new HashMap<>(Chart.render().ofKind("Service").get(0));
    nested.put("spec", Map.of("ports", List.of(Map.of("port", 1, "targetPrt", 1))));
    assertThatException()
        .isThrownBy(() -> Rendered.strict(nested))
        .withMessageContaining("targetPrt");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", GPU, POSTGRES, MUCH})
  void everyContainerIsProbedOverGrpc(String values) {
    for (V1Deployment deployment : Chart.render(values).deployments()) {
      for (V1Container container : containers(deployment)) {
        Integer grpc = port(container, "grpc");
        for (V1Probe probe :
            List.of(
                container.getStartupProbe(),
                container.getReadinessProbe(),
                container.getLivenessProbe())) {
          assertThat(probe.getGrpc().getPort()).isEqualTo(grpc);
        }
        // What a service lacks takes it out of the balance, but ends no process.
        assertThat(container.getReadinessProbe().getGrpc().getService()).isNull();
        assertThat(container.getStartupProbe().getGrpc().getService()).isEqualTo("liveness");
        assertThat(container.getLivenessProbe().getGrpc().getService()).isEqualTo("liveness");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"inference", "gateway"})
  void theGatewayKeyIsMountedWhereItIsLookedFor(String component) {
    Rendered with = Chart.render("{gatewayKeySecret: {name: door, key: line}}");
    assertThat(with.container(component).getArgs())
        .contains("--gateway-key-file=/etc/loupe/gateway/line");
    assertThat(with.container(component).getVolumeMounts())
        .anySatisfy(
            mount -> {
              assertThat(mount.getMountPath()).isEqualTo("/etc/loupe/gateway");
              assertThat(mount.getName()).isEqualTo("gateway-key");
            });
    assertThat(with.deployments())
        .filteredOn(deployment -> deployment.getMetadata().getName().equals("loupe-" + component))
        .singleElement()
        .satisfies(
            deployment ->
                assertThat(deployment.getSpec().getTemplate().getSpec().getVolumes())
                    .anySatisfy(
                        volume -> {
                          assertThat(volume.getName()).isEqualTo("gateway-key");
                          assertThat(volume.getSecret().getSecretName()).isEqualTo("door");
                        }));
    assertThat(Chart.render().container(component).getArgs())
        .noneMatch(argument -> argument.contains("gateway-key"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", GPU, POSTGRES, MUCH})
  void selectorsMatchLabels(String values) {
    Rendered rendered = Chart.render(values);
    for (V1Deployment deployment : rendered.deployments()) {
      assertThat(deployment.getSpec().getTemplate().getMetadata().getLabels())
          .containsAllEntriesOf(deployment.getSpec().getSelector().getMatchLabels());
      assertThat(deployment.getSpec().getSelector().getMatchLabels())
          .doesNotContainKey("app.kubernetes.io/version");
    }
    for (V1Service service : rendered.services()) {
      List<V1Deployment> selected =
          rendered.deployments().stream()
              .filter(
                  d ->
                      d.getSpec()
                          .getTemplate()
                          .getMetadata()
                          .getLabels()
                          .entrySet()
                          .containsAll(service.getSpec().getSelector().entrySet()))
              .toList();
      assertThat(selected).as("pods of %s", service.getMetadata().getName()).hasSize(1);
      for (V1ServicePort port : service.getSpec().getPorts()) {
        assertThat(port(containers(selected.get(0)).get(0), port.getTargetPort().getStrValue()))
            .as("%s of %s", port.getName(), service.getMetadata().getName())
            .isNotNull();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", GPU, POSTGRES, MUCH})
  void podsHaveNoRightsThatTheyDoNotNeed(String values) {
    for (V1Deployment deployment : Chart.render(values).deployments()) {
      V1PodSpec pod = deployment.getSpec().getTemplate().getSpec();
      assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue();
      assertThat(pod.getSecurityContext().getSeccompProfile().getType())
          .isEqualTo("RuntimeDefault");
      assertThat(pod.getEnableServiceLinks()).isFalse();
      for (V1Container container : containers(deployment)) {
        assertThat(container.getSecurityContext().getAllowPrivilegeEscalation()).isFalse();
        assertThat(container.getSecurityContext().getReadOnlyRootFilesystem()).isTrue();
        assertThat(container.getSecurityContext().getCapabilities().getDrop())
            .containsExactly("ALL");
        assertThat(container.getResources().getRequests()).containsKeys("cpu", "memory");
        assertThat(container.getResources().getLimits()).containsKey("memory");
        assertThat(container.getVolumeMounts())
            .extracting(m -> m.getName())
            .containsExactlyInAnyOrderElementsOf(
                pod.getVolumes().stream().map(V1Volume::getName).toList());
      }
      boolean calls = !pod.getContainers().get(0).getArgs().toString().contains("loupe-k8s:");
      assertThat(pod.getAutomountServiceAccountToken()).isEqualTo(calls ? false : null);
      assertThat(pod.getServiceAccountName()).isEqualTo(calls ? null : "loupe");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", GPU, MUCH})
  void inferenceNeverAsksForAGpuBesideTheOneItHolds(String values) {
    var strategy = Chart.render(values).deployment("inference").getSpec().getStrategy();
    assertThat(strategy.getType()).isEqualTo("RollingUpdate");
    assertThat(strategy.getRollingUpdate().getMaxSurge().getIntValue()).isZero();
    assertThat(strategy.getRollingUpdate().getMaxUnavailable().getIntValue()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"inference", "sae", "feature-store", "gateway"})
  void servicesSpeakTlsWithEachOtherWhereASecretIsNamed(String component) {
    Rendered rendered = Chart.render("{tls: {secret: certificates}}");
    V1PodSpec pod = rendered.deployment(component).getSpec().getTemplate().getSpec();
    V1Container container = rendered.container(component);
    boolean serves = !component.equals("gateway");
    boolean calls = component.equals("gateway") || component.equals("sae");
    assertThat(container.getArgs().contains("--tls-cert=/tls/tls.crt")).isEqualTo(serves);
    assertThat(container.getArgs().contains("--tls-key=/tls/tls.key")).isEqualTo(serves);
    assertThat(container.getArgs().contains("--upstream-ca=/tls/ca.crt")).isEqualTo(calls);
    assertThat(container.getVolumeMounts())
        .filteredOn(mount -> mount.getName().equals("tls"))
        .singleElement()
        .satisfies(mount -> assertThat(mount.getMountPath()).isEqualTo("/tls"))
        .satisfies(mount -> assertThat(mount.getReadOnly()).isTrue());
    assertThat(pod.getVolumes())
        .filteredOn(volume -> volume.getName().equals("tls"))
        .singleElement()
        .satisfies(
            volume -> assertThat(volume.getSecret().getSecretName()).isEqualTo("certificates"));
    for (V1Probe probe : List.of(container.getReadinessProbe(), container.getLivenessProbe())) {
      assertThat(probe.getGrpc() == null).isEqualTo(serves);
      assertThat(probe.getHttpGet() != null).isEqualTo(serves);
    }
    assertThat(Chart.render().container(component).getArgs().toString()).doesNotContain("tls");
  }

  /** The one place where the engine's environment is chosen is the loupe script. */
  @ParameterizedTest
  @ValueSource(strings = {"inference", "sae"})
  void theEngineFindsTheEnvironmentOfTheLoupeScript(String component) throws Exception {
    Map<String, String> expected = new HashMap<>();
    Matcher export =
        Pattern.compile("export (\\w+)=\"\\$\\{\\1:-(\\w+)\\}\"")
            .matcher(Files.readString(Path.of("..", "loupe")));
    while (export.find()) {
      expected.put(export.group(1), export.group(2));
    }
    assertThat(expected).containsKeys("OMP_WAIT_POLICY", "MALLOC_ARENA_MAX");
    Map<String, String> actual = new HashMap<>();
    for (V1EnvVar variable : Chart.render().container(component).getEnv()) {
      actual.put(variable.getName(), variable.getValue());
    }
    assertThat(actual).containsAllEntriesOf(expected);
  }

  @Test
  void gpusAreAskedForOnlyWhereWanted() {
    assertThat(Chart.render().container("inference").getResources().getLimits())
        .doesNotContainKey("nvidia.com/gpu");
    assertThat(Chart.render(GPU).container("inference").getResources().getLimits())
        .containsEntry("nvidia.com/gpu", new Quantity("1"))
        .containsEntry("memory", new Quantity("8Gi"));
    Rendered much = Chart.render(MUCH);
    assertThat(much.container("inference").getResources().getLimits())
        .containsEntry("nvidia.com/mig-1g.10gb", new Quantity("2"));
    assertThat(much.pod("inference").getNodeSelector()).containsEntry("pool", "gpu");
    assertThat(much.pod("inference").getTolerations()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", GPU, POSTGRES, MUCH})
  void everyClaimIsMadeAndKept(String values) {
    Rendered rendered = Chart.render(values);
    List<String> used =
        rendered.deployments().stream()
            .flatMap(d -> d.getSpec().getTemplate().getSpec().getVolumes().stream())
            .filter(volume -> volume.getPersistentVolumeClaim() != null)
            .map(volume -> volume.getPersistentVolumeClaim().getClaimName())
            .toList();
    assertThat(rendered.claims())
        .extracting(claim -> claim.getMetadata().getName())
        .containsExactlyInAnyOrderElementsOf(used);
    assertThat(rendered.claims())
        .allSatisfy(
            claim ->
                assertThat(claim.getMetadata().getAnnotations())
                    .containsEntry("helm.sh/resource-policy", "keep"));
  }

  @Test
  void whatOneProcessOwnsIsNeverSharedDuringAnUpdate() {
    Rendered rendered = Chart.render();
    for (String component : List.of("sae", "feature-store")) {
      assertThat(rendered.deployment(component).getSpec().getStrategy().getType())
          .isEqualTo("Recreate");
      assertThat(rendered.deployment(component).getSpec().getReplicas()).isEqualTo(1);
    }
    assertThat(Chart.render(POSTGRES).deployment("feature-store").getSpec().getStrategy().getType())
        .isEqualTo("RollingUpdate");
  }

  @Test
  void thePostgresUrlComesFromItsSecretAndNowhereElse() {
    V1Container container = Chart.render(MUCH).container("feature-store");
    V1EnvVar url =
        container.getEnv().stream()
            .filter(e -> e.getName().equals("LOUPE_DATABASE_URL"))
            .findFirst()
            .orElseThrow();
    assertThat(url.getValueFrom().getSecretKeyRef().getName()).isEqualTo("database");
    assertThat(url.getValueFrom().getSecretKeyRef().getKey()).isEqualTo("jdbc");
    assertThat(container.getArgs()).noneMatch(arg -> arg.startsWith("--database-url"));
    assertThat(Chart.render(MUCH).claims())
        .noneMatch(claim -> claim.getMetadata().getName().equals("loupe-features"));
    assertThat(Chart.render().container("feature-store").getArgs())
        .contains("--database-url=jdbc:sqlite:/data/features.db");
  }

  @Test
  void inferenceHasAHeadlessServiceBesideTheNormalOne() {
    Rendered rendered = Chart.render();
    assertThat(rendered.service("inference-headless").getSpec().getClusterIP()).isEqualTo("None");
    assertThat(rendered.service("inference").getSpec().getClusterIP()).isNull();
  }

  @Test
  void theGatewayAnswersToTheNamesOfItsServiceAndToThoseThatAreAllowed() {
    String service =
        "--allow-host=loupe-gateway,loupe-gateway.loupe,loupe-gateway.loupe.svc,"
            + "loupe-gateway.loupe.svc.cluster.local";
    assertThat(Chart.render().container("gateway").getArgs())
        .filteredOn(arg -> arg.startsWith("--allow-host"))
        .containsExactly(service);
    assertThat(Chart.render().service("gateway").getMetadata().getName())
        .isEqualTo("loupe-gateway");
    assertThat(Chart.render(MUCH).container("gateway").getArgs())
        .contains(service, "--allow-host=loupe.example", "--allow-host=*.lab.example");
  }

  @Test
  void theAccountMayFollowEndpointsAndNothingElse() {
    var rules = Chart.render().role().getRules();
    assertThat(rules).hasSize(1);
    assertThat(rules.get(0).getApiGroups()).containsExactly("discovery.k8s.io");
    assertThat(rules.get(0).getResources()).containsExactly("endpointslices");
    assertThat(rules.get(0).getVerbs()).containsExactlyInAnyOrder("list", "watch");
  }

  @Test
  void everyServiceIsScrapedOnceWhereMonitorsAreWanted() {
    assertThat(Chart.render().ofKind("ServiceMonitor")).isEmpty();
    Rendered rendered = Chart.render(MUCH);
    Map<String, Object> monitor = rendered.ofKind("ServiceMonitor").get(0);
    assertThat(Chart.json(monitor)).contains("\"release\":\"prometheus\"");
    @SuppressWarnings("unchecked")
    Map<String, Map<String, Map<String, String>>> spec =
        (Map<String, Map<String, Map<String, String>>>) monitor.get("spec");
    Map<String, String> wanted = spec.get("selector").get("matchLabels");
    List<V1Service> scraped =
        rendered.services().stream()
            .filter(s -> s.getMetadata().getLabels().entrySet().containsAll(wanted.entrySet()))
            .toList();
    assertThat(scraped)
        .extracting(s -> s.getMetadata().getLabels().get("app.kubernetes.io/component"))
        .containsExactlyInAnyOrder("inference", "sae", "feature-store", "gateway");
    assertThat(scraped)
        .allSatisfy(
            s ->
                assertThat(s.getSpec().getPorts())
                    .extracting(V1ServicePort::getName)
                    .contains("metrics"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", MUCH})
  void podsHaveTimeToDrain(String values) {
    for (V1Deployment deployment : Chart.render(values).deployments()) {
      V1PodSpec pod = deployment.getSpec().getTemplate().getSpec();
      int drain =
          pod.getContainers().get(0).getArgs().stream()
              .filter(arg -> arg.startsWith("--drain-seconds="))
              .mapToInt(arg -> Integer.parseInt(arg.substring(arg.indexOf('=') + 1)))
              .findFirst()
              .orElseThrow();
      assertThat(pod.getTerminationGracePeriodSeconds()).isGreaterThan(drain);
    }
  }

  private static List<V1Container> containers(V1Deployment deployment) {
    return deployment.getSpec().getTemplate().getSpec().getContainers();
  }

  private static Integer port(V1Container container, String name) {
    return container.getPorts().stream()
        .filter(port -> name.equals(port.getName()))
        .map(V1ContainerPort::getContainerPort)
        .findFirst()
        .orElse(null);
  }
}
