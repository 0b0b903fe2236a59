package dev.loupe.inference;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(
    packages = "dev.loupe.inference",
    importOptions = ImportOption.DoNotIncludeTests.class)
class DependencyRulesTest {

  @ArchTest
  static final ArchRule ONLY_GRPC_PACKAGES_TOUCH_MESSAGES =
      noClasses()
          .that()
          .resideOutsideOfPackage("..grpc..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.loupe.proto..", "com.google.protobuf..");

  @ArchTest
  static final ArchRule CALLS_NOBODY =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.loupe.sae..",
              "dev.loupe.features..",
              "dev.loupe.gateway..",
              "dev.loupe.proto.sae..",
              "dev.loupe.proto.features..",
              "dev.loupe.proto.gateway..",
              "io.kubernetes..");

  @ArchTest
  static final ArchRule THE_MODEL_KNOWS_NEITHER_ITS_USES_NOR_THE_SERVER =
      noClasses()
          .that()
          .resideInAPackage("dev.loupe.inference.model..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.loupe.inference.analysis..",
              "dev.loupe.inference.pretraining..",
              "dev.loupe.inference.generation..",
              "dev.loupe.inference.scheduling..",
              "dev.loupe.inference.hub..",
              "dev.loupe.inference.grpc..",
              "dev.loupe.server..",
              "io.grpc..");
}
