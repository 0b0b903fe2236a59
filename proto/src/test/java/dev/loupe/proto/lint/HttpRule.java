package dev.loupe.proto.lint;

import com.google.api.AnnotationsProto;
import com.google.api.HttpRule.PatternCase;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Every RPC of one request can be called as JSON over HTTP (AIP-127): reading with GET, deleting
 * with DELETE, all else and every stream of answers with POST and a whole body. Variables of the
 * path are string fields of the request. Streams of requests have no HTTP form. A streamed answer
 * has no field named error, as an object with one ends a broken stream.
 */
final class HttpRule implements LintRule {
  private static final Pattern READS = Pattern.compile("(Get|List|Search|BatchGet)[A-Z].*");
  private static final Pattern DELETES = Pattern.compile("Delete[A-Z].*");
  private static final Pattern VARIABLE = Pattern.compile("\\{([a-z_]+)(=[^}]*)?}");
  private static final Pattern PATH =
      Pattern.compile(
          "/v[1-9][0-9]*(/([a-z][A-Za-z]*|\\{[a-z_]+=[A-Za-z*/]+}))+(:[a-z][A-Za-z]*)?");

  @Override
  public List<Finding> check(FileDescriptor file) {
    List<Finding> findings = new ArrayList<>();
    for (MethodDescriptor method : Elements.methods(file)) {
      boolean annotated = method.getOptions().hasExtension(AnnotationsProto.http);
      if (method.isClientStreaming()) {
        if (annotated) {
          findings.add(
              new Finding(method.getFullName(), "is a stream of requests, which has no HTTP form"));
        }
      } else if (!annotated) {
        findings.add(new Finding(method.getFullName(), "has no google.api.http annotation"));
      } else {
        if (method.isServerStreaming() && method.getOutputType().findFieldByName("error") != null) {
          findings.add(
              new Finding(method.getFullName(), "streams messages with a field named error"));
        }
        checkRule(method, method.getOptions().getExtension(AnnotationsProto.http), findings);
      }
    }
    return findings;
  }

  private static void checkRule(
      MethodDescriptor method, com.google.api.HttpRule rule, List<Finding> findings) {
    PatternCase wanted = wantedVerb(method);
    if (rule.getPatternCase() != wanted) {
      findings.add(new Finding(method.getFullName(), "must be an HTTP " + wanted));
      return;
    }
    String body = wanted == PatternCase.POST ? "*" : "";
    if (!rule.getBody().equals(body)) {
      findings.add(new Finding(method.getFullName(), "its body must be \"" + body + "\""));
    }
    String path = path(rule);
    if (!PATH.matcher(path).matches()) {
      findings.add(new Finding(method.getFullName(), "has an unusual path: " + path));
    }
    Matcher variables = VARIABLE.matcher(path);
    while (variables.find()) {
      FieldDescriptor field = method.getInputType().findFieldByName(variables.group(1));
      if (field == null || field.getType() != FieldDescriptor.Type.STRING || field.isRepeated()) {
        findings.add(
            new Finding(
                method.getFullName(), variables.group(1) + " in its path is no string field"));
      }
    }
  }

  private static PatternCase wantedVerb(MethodDescriptor method) {
    if (method.isServerStreaming()) {
      return PatternCase.POST;
    }
    if (READS.matcher(method.getName()).matches()) {
      return PatternCase.GET;
    }
    return DELETES.matcher(method.getName()).matches() ? PatternCase.DELETE : PatternCase.POST;
  }

  private static String path(com.google.api.HttpRule rule) {
    return switch (rule.getPatternCase()) {
      case GET -> rule.getGet();
      case DELETE -> rule.getDelete();
      default -> rule.getPost();
    };
  }
}
