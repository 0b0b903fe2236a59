package dev.loupe.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The loupe script, with a Java and a Maven that only say how they were called. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the script is for a POSIX shell")
class ScriptTest {
  private static final List<String> TOOLS =
      List.of(
          "bash",
          "basename",
          "cat",
          "dirname",
          "env",
          "find",
          "head",
          "ls",
          "mkdir",
          "mv",
          "readlink",
          "rm",
          "sed",
          "sleep",
          "tail",
          "touch",
          "tr");

  @TempDir private Path folder;
  private Path root;
  private Path bin;

  private record Run(int status, String output) {}

  @BeforeEach
  void copyTheScript() throws IOException {
    root = Files.createDirectories(folder.resolve("project with space"));
    bin = Files.createDirectories(folder.resolve("bin"));
    Files.copy(Path.of("..", "loupe"), root.resolve("loupe"), StandardCopyOption.COPY_ATTRIBUTES);
    Files.createDirectories(root.resolve("standalone/src/main"));
    Files.writeString(root.resolve("pom.xml"), "<project/>");
    Files.writeString(root.resolve("standalone/pom.xml"), "<project/>");
    for (String tool : TOOLS) {
      executable(tool, "exec '" + where(tool) + "' \"$@\"");
    }
  }

  @Test
  void saysWhenJavaIsMissing() throws Exception {
    Run run = run(root, root.resolve("loupe"), "--help");

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.output()).contains("Java is missing", "17 or later");
  }

  @Test
  void saysWhenJavaIsTooOld() throws Exception {
    fakeJava("1.8.0_392");
    assertThat(run(root, root.resolve("loupe")).output()).contains("Java 8 ", "is too old");

    fakeJava("16.0.2");
    Run run = run(root, root.resolve("loupe"));
    assertThat(run.output()).contains("Java 16 ", "is too old");
    assertThat(run.status()).isEqualTo(1);
  }

  @Test
  void saysWhenItMustBuildAndMavenIsMissing() throws Exception {
    fakeJava("17.0.15");

    Run run = run(root, root.resolve("loupe"));

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.output()).contains("Maven is missing");
  }

  @Test
  void buildsOnceAndAgainOnlyWhenSourcesAreNewer() throws Exception {
    fakeJava("17.0.15");
    fakeMaven(0);

    Run first = run(root, root.resolve("loupe"), "up", "two words");
    assertThat(first.status()).isZero();
    assertThat(first.output())
        .contains("Building Loupe", "Built in")
        .contains("java: dev.loupe.standalone.Loupe|up|two words|");
    assertThat(run(root, root.resolve("loupe"), "up").output()).doesNotContain("Building Loupe");

    Path source = Files.writeString(root.resolve("standalone/src/main/New.java"), "class New {}");
    Files.setLastModifiedTime(
        source, java.nio.file.attribute.FileTime.fromMillis(System.currentTimeMillis() + 5_000));
    assertThat(run(root, root.resolve("loupe"), "up").output()).contains("Building Loupe");
    assertThat(Files.exists(root.resolve("standalone/target/loupe-build.lock"))).isFalse();
  }

  @Test
  void runsFromAnyFolderThroughLinks() throws Exception {
    fakeJava("25");
    fakeMaven(0);
    Path link = Files.createSymbolicLink(folder.resolve("link"), root.resolve("loupe"));
    Path relative = Files.createSymbolicLink(folder.resolve("again"), Path.of("link"));

    Run run = run(bin, relative, "demo");

    assertThat(run.status()).isZero();
    assertThat(run.output()).contains("dev.loupe.standalone.Loupe|demo|");
    Files.delete(relative);
    Files.delete(link);
  }

  @Test
  void showsTheEndOfTheLogWhenTheBuildFails() throws Exception {
    fakeJava("17.0.15");
    fakeMaven(1);

    Run run = run(root, root.resolve("loupe"), "up");

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.output())
        .contains("maven was here", "the build failed", "loupe-build.log")
        .doesNotContain("dev.loupe.standalone.Loupe|");
    assertThat(Files.exists(root.resolve("standalone/target/loupe-build.lock"))).isFalse();
  }

  @Test
  void aLockThatAKilledBuildLeftIsTakenOver() throws Exception {
    fakeJava("17.0.15");
    fakeMaven(0);
    Path lock = Files.createDirectories(root.resolve("standalone/target/loupe-build.lock"));
    Files.writeString(lock.resolve("pid"), "999999999");

    assertThat(run(root, root.resolve("loupe"), "up").status()).isZero();
  }

  @Test
  void homeAndLoupeHomeSayWhereFilesGo() throws Exception {
    fakeMaven(0);
    executable(
        "java",
        "if [ \"$1\" = -version ]; then echo 'openjdk version \"17\"' >&2; exit; fi",
        "printf '%s\\n' \"$@\"",
        "echo \"engine: ${DJL_CACHE_DIR:-none}\"");
    executable("javac", "exit 0");
    Path script = root.resolve("loupe");

    assertThat(run(root, Map.of("HOME", "/home/of me"), script, "up").output().lines())
        .contains("-Duser.home=/home/of me", "engine: none");
    assertThat(run(root, Map.of("LOUPE_HOME", "/data/loupe"), script, "up").output().lines())
        .contains("engine: /data/loupe/engine")
        .noneMatch(line -> line.startsWith("-Duser.home"));
    Map<String, String> both = Map.of("LOUPE_HOME", "/data/loupe", "DJL_CACHE_DIR", "/natives");
    assertThat(run(root, both, script, "up").output().lines()).contains("engine: /natives");
  }

  private void fakeJava(String version) throws IOException {
    executable(
        "java",
        "if [ \"$1\" = -version ]; then echo 'openjdk version \"" + version + "\"' >&2; exit; fi",
        "while [ \"$1\" != dev.loupe.standalone.Loupe ]; do shift; done",
        "printf 'java: '; printf '%s|' \"$@\"; echo");
    executable("javac", "exit 0");
  }

  private void fakeMaven(int status) throws IOException {
    executable(
        "mvn",
        "echo maven was here",
        "mkdir -p '" + root + "/standalone/target/lib' '" + root + "/standalone/target/classes'",
        "exit " + status);
  }

  private void executable(String name, String... lines) throws IOException {
    Path file = bin.resolve(name);
    Files.writeString(file, "#!" + where("bash") + "\n" + String.join("\n", lines) + "\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }

  private Run run(Path from, Path script, String... arguments) throws Exception {
    return run(from, Map.of(), script, arguments);
  }

  private Run run(Path from, Map<String, String> environment, Path script, String... arguments)
      throws Exception {
    List<String> command = new ArrayList<>(List.of(where("bash").toString(), script.toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).directory(from.toFile());
    builder.environment().clear();
    builder.environment().putAll(environment);
    builder.environment().put("PATH", bin.toString());
    builder.redirectErrorStream(true);
    Process process = builder.start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Run(process.exitValue(), output);
  }

  private static Path where(String tool) {
    for (String folder : System.getenv("PATH").split(":")) {
      Path file = Path.of(folder, tool);
      if (Files.isExecutable(file)) {
        return file.toAbsolutePath();
      }
    }
    throw new IllegalStateException(tool + " is not on the PATH");
  }
}
