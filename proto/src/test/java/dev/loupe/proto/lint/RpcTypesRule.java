package dev.loupe.proto.lint;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * An RPC {@code DoThing} takes a {@code DoThingRequest} of its own and gives a {@code
 * DoThingResponse} of its own. Three others may be given: the resource by Get and Create (AIP-131,
 * 133), the long-running operation (AIP-151), and a stream of states by Watch.
 */
final class RpcTypesRule implements LintRule {
  private static final String OPERATION = "google.longrunning.Operation";

  @Override
  public List<Finding> check(FileDescriptor file) {
    List<Finding> findings = new ArrayList<>();
    Map<String, String> users = new HashMap<>();
    for (MethodDescriptor method : Elements.methods(file)) {
      String request = method.getName() + "Request";
      if (!method.getInputType().getName().equals(request)) {
        findings.add(new Finding(method.getFullName(), "must take a " + request));
      }
      unique(method.getInputType(), method, users, findings);
      Descriptor output = method.getOutputType();
      if (output.getName().endsWith("Response")) {
        unique(output, method, users, findings);
        if (!output.getName().equals(method.getName() + "Response")) {
          findings.add(
              new Finding(method.getFullName(), "must give a " + method.getName() + "Response"));
        }
      } else if (!mayGive(method, output)) {
        findings.add(new Finding(method.getFullName(), "may not give a " + output.getName()));
      }
    }
    return findings;
  }

  private static boolean mayGive(MethodDescriptor method, Descriptor output) {
    String name = method.getName();
    return output.getFullName().equals(OPERATION)
        || name.equals("Get" + output.getName())
        || name.equals("Create" + output.getName())
        || (name.startsWith("Watch") && method.isServerStreaming());
  }

  private static void unique(
      Descriptor type, MethodDescriptor method, Map<String, String> users, List<Finding> findings) {
    String other = users.putIfAbsent(type.getFullName(), method.getFullName());
    if (other != null) {
      findings.add(new Finding(method.getFullName(), type.getName() + " is also " + other + "'s"));
    }
  }
}
