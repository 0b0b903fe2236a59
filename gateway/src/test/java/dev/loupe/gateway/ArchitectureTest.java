package dev.loupe.gateway;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** What the gateway's parts may know. */
@AnalyzeClasses(
    packages = "dev.loupe.gateway",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule KNOWS_NO_TENSOR_ENGINE_AND_NO_SQL =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("ai.djl..", "java.sql..", "dev.loupe.tensor..");

  @ArchTest
  static final ArchRule KNOWS_SERVICES_BY_THEIR_STUBS_ONLY =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.loupe.inference..", "dev.loupe.sae..", "dev.loupe.features..");

  @ArchTest
  static final ArchRule ANALYSIS_KNOWS_NO_WIRE_FORMAT =
      noClasses()
          .that()
          .resideInAPackage("..analysis..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.loupe.proto..", "io.grpc..", "com.linecorp..");

  @ArchTest
  static final ArchRule PROXY_KNOWS_NO_CALL_BY_NAME =
      noClasses()
          .that()
          .resideInAPackage("..proxy..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.loupe.proto..");
}
