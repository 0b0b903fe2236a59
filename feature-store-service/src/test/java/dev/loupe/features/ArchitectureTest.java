package dev.loupe.features;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "dev.loupe.features", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {

  @ArchTest
  static final ArchRule onlyTheGrpcPackageTouchesMessages =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.loupe.features.grpc")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.loupe.proto..", "com.google.protobuf..");

  @ArchTest
  static final ArchRule theDomainKnowsNoLibrary =
      noClasses()
          .that()
          .resideInAPackage("dev.loupe.features.domain")
          .should()
          .dependOnClassesThat()
          .resideOutsideOfPackages("java..", "dev.loupe.features.domain");

  @ArchTest
  static final ArchRule onlyStorageKnowsSql =
      noClasses()
          .that()
          .resideOutsideOfPackages("dev.loupe.features.storage", "dev.loupe.features")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("java.sql..", "org.jdbi..", "com.zaxxer..", "org.flywaydb..");

  @ArchTest
  static final ArchRule theStoreKnowsNoTensorsAndCallsNobody =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "ai.djl..",
              "dev.loupe.tensor..",
              "dev.loupe.inference..",
              "dev.loupe.sae..",
              "dev.loupe.gateway..",
              "dev.loupe.k8s..",
              "io.kubernetes..");
}
