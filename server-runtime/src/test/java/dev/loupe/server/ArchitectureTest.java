package dev.loupe.server;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "dev.loupe.server", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule knowsNoEngineNoDatabaseNoClusterAndNoOtherServer =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "ai.djl..",
              "java.sql..",
              "io.kubernetes..",
              "com.linecorp.armeria..",
              "io.netty..",
              "dev.loupe.proto..")
          .orShould()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.loupe.tensor..",
              "dev.loupe.inference..",
              "dev.loupe.sae..",
              "dev.loupe.features..");

  @ArchTest
  static final ArchRule itsPartsDependOneWay =
      slices().matching("dev.loupe.server.(*)..").should().beFreeOfCycles();
}
