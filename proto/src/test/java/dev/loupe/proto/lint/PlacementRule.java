package dev.loupe.proto.lint;

import com.google.protobuf.Descriptors.FileDescriptor;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A file's folder is its package, whose last part is a version; its Java and Go packages follow
 * from it, with one Java class to a message.
 */
final class PlacementRule implements LintRule {
  private static final Pattern PACKAGE = Pattern.compile("loupe\\.[a-z]+\\.v[1-9][0-9]*");

  @Override
  public List<Finding> check(FileDescriptor file) {
    List<Finding> findings = new ArrayList<>();
    String name = file.getPackage();
    String path = file.getName();
    if (!PACKAGE.matcher(name).matches()) {
      findings.add(new Finding(path, "package " + name + " is not loupe.{area}.v{number}"));
    }
    if (!path.startsWith(name.replace('.', '/') + "/")) {
      findings.add(new Finding(path, "does not lie in the folder of its package " + name));
    }
    String javaPackage = "dev.loupe.proto." + name.substring(name.indexOf('.') + 1);
    if (!file.getOptions().getJavaPackage().equals(javaPackage)) {
      findings.add(new Finding(path, "java_package must be " + javaPackage));
    }
    String goPackage =
        "loupe.dev/proto/%s;%s"
            .formatted(
                name.replace('.', '/'), name.substring(name.indexOf('.') + 1).replace(".", ""));
    if (!file.getOptions().getGoPackage().equals(goPackage)) {
      findings.add(new Finding(path, "go_package must be " + goPackage));
    }
    if (!file.getOptions().getJavaMultipleFiles()) {
      findings.add(new Finding(path, "java_multiple_files must be true"));
    }
    if (!file.toProto().getSyntax().equals("proto3")) {
      findings.add(new Finding(path, "syntax must be proto3"));
    }
    return findings;
  }
}
