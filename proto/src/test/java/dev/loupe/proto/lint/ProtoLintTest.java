package dev.loupe.proto.lint;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.FileDescriptor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Lints every .proto file of the project. */
class ProtoLintTest {
  private static final Map<String, String> ON_ONE_PAGE =
      Map.of(
          "loupe.inference.v1.InferenceService.ListHookPoints",
          "a few dozen hook points to a block, fixed for a model: they fit one message");

  private static final Map<String, String> NOTHING_COMPUTED =
      Stream.of(
              "ListModels",
              "GetModel",
              "LoadModel",
              "UnloadModel",
              "ListHookPoints",
              "Tokenize",
              "Detokenize",
              "ListActivationCaches",
              "GetActivationCache",
              "DeleteActivationCache")
          .collect(
              Collectors.toMap(
                  name -> "loupe.inference.v1.InferenceService." + name,
                  name -> "describes what is there; nothing is computed"));

  static final List<LintRule> RULES =
      List.of(
          new PlacementRule(),
          new CommentRule(),
          new NamingRule(),
          new ReservedWordRule(),
          new RpcTypesRule(),
          new HttpRule(),
          new PagingRule(ON_ONE_PAGE),
          new ProvenanceRule("loupe.inference.v1", NOTHING_COMPUTED));

  static Stream<FileDescriptor> ourFiles() throws IOException {
    return ProtoFiles.read(Path.of("target", "classes", "META-INF", "armeria", "grpc", "loupe.dsc"))
        .stream()
        .filter(file -> file.getName().startsWith("loupe/"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("ourFiles")
  void keepsEveryRule(FileDescriptor file) {
    assertThat(RULES.stream().flatMap(rule -> rule.check(file).stream()))
        .as(file.getName())
        .isEmpty();
  }

  @Test
  void readsEveryArea() throws IOException {
    assertThat(ourFiles().map(FileDescriptor::getPackage))
        .contains(
            "loupe.tensor.v1",
            "loupe.inference.v1",
            "loupe.sae.v1",
            "loupe.features.v1",
            "loupe.gateway.v1");
  }
}
