package dev.loupe.proto.lint;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a model computed says which model, in which form, on which software. */
final class ProvenanceRule implements LintRule {
  private static final String PROVENANCE = "loupe.inference.v1.Provenance";

  private final String area;
  private final Map<String, String> exceptions;

  /**
   * A rule for the services of one package.
   *
   * @param exceptions full names of methods whose answers hold nothing computed, with the reason
   */
  ProvenanceRule(String area, Map<String, String> exceptions) {
    this.area = area;
    this.exceptions = exceptions;
  }

  @Override
  public List<Finding> check(FileDescriptor file) {
    List<Finding> findings = new ArrayList<>();
    if (!file.getPackage().equals(area)) {
      return findings;
    }
    for (MethodDescriptor method : Elements.methods(file)) {
      boolean says = reaches(method.getOutputType(), new HashSet<>());
      if (says == exceptions.containsKey(method.getFullName())) {
        findings.add(
            new Finding(
                method.getFullName(),
                says ? "is no exception: it gives a Provenance" : "gives no Provenance"));
      }
    }
    return findings;
  }

  private static boolean reaches(Descriptor message, Set<String> seen) {
    if (message.getFullName().equals(PROVENANCE)) {
      return true;
    }
    if (!seen.add(message.getFullName())) {
      return false;
    }
    for (FieldDescriptor field : message.getFields()) {
      if (field.getJavaType() == JavaType.MESSAGE && reaches(field.getMessageType(), seen)) {
        return true;
      }
    }
    return false;
  }
}
