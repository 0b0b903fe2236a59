package dev.loupe.sae;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "dev.loupe.sae", importOptions = ImportOption.DoNotIncludeTests.class)
class DependencyRulesTest {

  @ArchTest
  static final ArchRule ONLY_GRPC_AND_CLIENT_PACKAGES_TOUCH_MESSAGES =
      noClasses()
          .that()
          .resideOutsideOfPackages("dev.loupe.sae.grpc..", "dev.loupe.sae.client..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.loupe.proto..", "com.google.protobuf..", "com.google.longrunning..");

  @ArchTest
  static final ArchRule KNOWS_THE_OTHER_SERVICES_ONLY_BY_THEIR_STUBS =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.loupe.inference..",
              "dev.loupe.features..",
              "dev.loupe.gateway..",
              "io.kubernetes..");

  @ArchTest
  static final ArchRule DICTIONARIES_KNOW_NOTHING_OF_THEIR_USES =
      noClasses()
          .that()
          .resideInAPackage("dev.loupe.sae.dictionary..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.loupe.sae.training..",
              "dev.loupe.sae.evaluation..",
              "dev.loupe.sae.publishing..",
              "dev.loupe.sae.format..",
              "dev.loupe.sae.corpus..",
              "dev.loupe.sae.client..",
              "dev.loupe.sae.grpc..",
              "dev.loupe.server..",
              "io.grpc..");

  @ArchTest
  static final ArchRule THE_TRAINER_KNOWS_NOTHING_OF_AN_ARCHITECTURES_INSIDE =
      noClasses()
          .that()
          .resideInAPackage("dev.loupe.sae.training..")
          .should()
          .dependOnClassesThat()
          .haveNameMatching("dev\\.loupe\\.sae\\.dictionary\\.(Standard|TopK).*")
          .orShould()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.loupe.sae.grpc..", "dev.loupe.sae.client..", "io.grpc..", "ai.djl..");
}
