package dev.loupe.proto.lint;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** List and Search RPCs come in pages (AIP-158). */
final class PagingRule implements LintRule {
  private final Map<String, String> exempt;

  /**
   * @param exempt full names of RPCs that give everything at once, each with its reason
   */
  PagingRule(Map<String, String> exempt) {
    this.exempt = Map.copyOf(exempt);
  }

  @Override
  public List<Finding> check(FileDescriptor file) {
    List<Finding> findings = new ArrayList<>();
    for (MethodDescriptor method : Elements.methods(file)) {
      boolean lists = method.getName().startsWith("List") || method.getName().startsWith("Search");
      if (lists && !exempt.containsKey(method.getFullName())) {
        has(method.getInputType(), "page_size", FieldDescriptor.Type.INT32, findings);
        has(method.getInputType(), "page_token", FieldDescriptor.Type.STRING, findings);
        has(method.getOutputType(), "next_page_token", FieldDescriptor.Type.STRING, findings);
        long repeated =
            method.getOutputType().getFields().stream().filter(FieldDescriptor::isRepeated).count();
        if (repeated != 1) {
          findings.add(
              new Finding(method.getOutputType().getFullName(), "must have one repeated field"));
        }
      }
    }
    return findings;
  }

  private static void has(
      Descriptor message, String name, FieldDescriptor.Type type, List<Finding> findings) {
    FieldDescriptor field = message.findFieldByName(name);
    if (field == null || field.getType() != type || field.isRepeated()) {
      findings.add(new Finding(message.getFullName(), "has no " + type + " field " + name));
    }
  }
}
