package dev.loupe.tensor;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "dev.loupe.tensor", importOptions = ImportOption.DoNotIncludeTests.class)
class DependencyRulesTest {

  @ArchTest
  static final ArchRule KNOWS_NO_SERVICE =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.grpc..",
              "dev.loupe.server..",
              "dev.loupe.inference..",
              "dev.loupe.sae..",
              "dev.loupe.features..",
              "dev.loupe.gateway..",
              "dev.loupe.proto.inference..",
              "dev.loupe.proto.sae..",
              "dev.loupe.proto.features..",
              "dev.loupe.proto.gateway..");

  @ArchTest
  static final ArchRule ONLY_THE_WIRE_PACKAGE_TOUCHES_MESSAGES =
      noClasses()
          .that()
          .resideOutsideOfPackage("..grpc..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.loupe.proto..", "com.google.protobuf..");
}
