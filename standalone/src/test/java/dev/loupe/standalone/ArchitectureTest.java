package dev.loupe.standalone;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.core.domain.properties.HasParameterTypes.Predicates.rawParameterTypes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import ai.djl.ndarray.NDManager;
import com.google.protobuf.MessageOrBuilder;
import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.grpc.stub.AbstractStub;
import java.nio.Buffer;
import java.nio.channels.FileChannel;
import java.util.List;
import java.util.Set;

/** The invariants of ARCHITECTURE.md that the byte code of all modules can show. */
@AnalyzeClasses(packages = "dev.loupe", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final DescribedPredicate<List<JavaClass>> NUMBERS =
      describe(
          "floating-point numbers or a buffer",
          types ->
              types.get(0).isAssignableTo(Buffer.class)
                  || (types.get(0).isArray()
                      && Set.of("float", "double")
                          .contains(types.get(0).getBaseComponentType().getName())));

  private static final String[] ENGINE = {"ai.djl..", "dev.loupe.tensor.."};
  private static final String[] SQL = {"java.sql..", "javax.sql..", "org.jdbi..", "org.flywaydb.."};

  @ArchTest
  static final ArchRule inferenceCallsNobody =
      noClasses()
          .that()
          .resideInAPackage("dev.loupe.inference..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.loupe.sae..",
              "dev.loupe.features..",
              "dev.loupe.gateway..",
              "dev.loupe.k8s..",
              "dev.loupe.standalone..",
              "dev.loupe.proto.sae..",
              "dev.loupe.proto.features..",
              "dev.loupe.proto.gateway..",
              "io.kubernetes..");

  @ArchTest
  static final ArchRule dictionariesDoNotKnowHowAModelIsRun =
      noClasses()
          .that()
          .resideInAPackage("dev.loupe.sae..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.loupe.inference..",
              "dev.loupe.features..",
              "dev.loupe.gateway..",
              "dev.loupe.standalone..",
              "dev.loupe.proto.gateway..",
              "io.kubernetes..");

  @ArchTest
  static final ArchRule theFeatureStoreKnowsNoTensorsAndCallsNobody =
      noClasses()
          .that()
          .resideInAPackage("dev.loupe.features..")
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(ENGINE)
                  .or(
                      resideInAnyPackage(
                          "dev.loupe.inference..",
                          "dev.loupe.sae..",
                          "dev.loupe.gateway..",
                          "dev.loupe.k8s..",
                          "dev.loupe.standalone..",
                          "dev.loupe.proto.inference..",
                          "dev.loupe.proto.sae..",
                          "dev.loupe.proto.tensor..",
                          "dev.loupe.proto.gateway..")));

  @ArchTest
  static final ArchRule theGatewayKnowsNeitherTheEngineNorSql =
      noClasses()
          .that()
          .resideInAPackage("dev.loupe.gateway..")
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(ENGINE)
                  .or(resideInAnyPackage(SQL))
                  .or(
                      resideInAnyPackage(
                          "dev.loupe.inference..",
                          "dev.loupe.sae..",
                          "dev.loupe.features..",
                          "dev.loupe.standalone..")));

  @ArchTest
  static final ArchRule onlyK8sTalksToKubernetes =
      noClasses()
          .that(not(resideInAnyPackage("dev.loupe.k8s..", "dev.loupe.helm..")))
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.kubernetes..");

  @ArchTest
  static final ArchRule k8sKnowsNeitherModelsNorFeatures =
      noClasses()
          .that()
          .resideInAPackage("dev.loupe.k8s..")
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(ENGINE)
                  .or(
                      resideInAnyPackage(
                          "dev.loupe.inference..",
                          "dev.loupe.sae..",
                          "dev.loupe.features..",
                          "dev.loupe.gateway..",
                          "dev.loupe.standalone..",
                          "dev.loupe.proto..")));

  @ArchTest
  static final ArchRule serverRuntimeKnowsNoService =
      noClasses()
          .that()
          .resideInAPackage("dev.loupe.server..")
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(ENGINE)
                  .or(resideInAnyPackage(SQL))
                  .or(
                      resideInAnyPackage(
                          "dev.loupe.inference..",
                          "dev.loupe.sae..",
                          "dev.loupe.features..",
                          "dev.loupe.gateway..",
                          "dev.loupe.k8s..",
                          "dev.loupe.standalone..",
                          "dev.loupe.proto..")));

  @ArchTest
  static final ArchRule tensorRuntimeKnowsNoGrpcServices =
      noClasses()
          .that()
          .resideInAPackage("dev.loupe.tensor..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.grpc..",
              "dev.loupe.server..",
              "dev.loupe.inference..",
              "dev.loupe.sae..",
              "dev.loupe.features..",
              "dev.loupe.gateway..",
              "dev.loupe.standalone..",
              "dev.loupe.proto.inference..",
              "dev.loupe.proto.sae..",
              "dev.loupe.proto.features..",
              "dev.loupe.proto.gateway..");

  @ArchTest
  static final ArchRule generatedMessagesStayInGrpcAndClientPackages =
      noClasses()
          .that(
              not(
                  resideInAnyPackage(
                      "dev.loupe.proto..", "dev.loupe..grpc..", "dev.loupe..client..")))
          .and(not(resideInAnyPackage("dev.loupe.testkit..", "dev.loupe.benchmarks..")))
          .should()
          .dependOnClassesThat(
              resideInAPackage("dev.loupe.proto..")
                  .and(assignableTo(MessageOrBuilder.class).or(assignableTo(AbstractStub.class))));

  @ArchTest
  static final ArchRule nobodyDependsOnStandaloneOrOnTheTestKit =
      noClasses()
          .that(not(resideInAnyPackage("dev.loupe.standalone..", "dev.loupe.testkit..")))
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.loupe.standalone..", "dev.loupe.testkit..");

  /** A mapped file that is written over changes answers; one that is cut short ends the process. */
  @ArchTest
  static final ArchRule nobodyMapsFiles =
      noClasses()
          .should()
          .callMethod(FileChannel.class, "map", FileChannel.MapMode.class, long.class, long.class);

  /** An array that begins elsewhere than at a line of the cache may give other bits (ADR 0016). */
  @ArchTest
  static final ArchRule onlyOnePlaceTakesNumbersIntoTheEngine =
      noClasses()
          .that()
          .doNotHaveFullyQualifiedName("dev.loupe.tensor.NdArrays")
          .and()
          .doNotHaveFullyQualifiedName("dev.loupe.sae.dictionary.EngineMatrix")
          .should()
          .callMethodWhere(
              target(owner(assignableTo(NDManager.class)))
                  .and(target(name("create")))
                  .and(target(rawParameterTypes(NUMBERS))));

  @ArchTest
  static final ArchRule theStoryIsToldAsAClient =
      noClasses()
          .that()
          .resideInAnyPackage(
              "dev.loupe.standalone.demo..",
              "dev.loupe.standalone.client..",
              "dev.loupe.standalone.terminal..")
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(ENGINE)
                  .or(
                      resideInAnyPackage(
                          "dev.loupe.inference..",
                          "dev.loupe.sae..",
                          "dev.loupe.features..",
                          "dev.loupe.gateway..",
                          "dev.loupe.standalone.embedded..")));
}
