package dev.loupe.proto.lint;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Names have the case that generated code in every language expects: UpperCamel types, lower_snake
 * fields, UPPER_SNAKE enum values that carry their enum's name and begin with {@code _UNSPECIFIED}.
 */
final class NamingRule implements LintRule {
  private static final Pattern UPPER_CAMEL = Pattern.compile("([A-Z][a-z0-9]*)+");
  private static final Pattern LOWER_SNAKE = Pattern.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*");
  private static final Pattern UPPER_SNAKE = Pattern.compile("[A-Z][A-Z0-9]*(_[A-Z0-9]+)*");

  @Override
  public List<Finding> check(FileDescriptor file) {
    List<Finding> findings = new ArrayList<>();
    for (ServiceDescriptor service : file.getServices()) {
      matches(UPPER_CAMEL, service.getName(), service.getFullName(), "UpperCamel", findings);
      if (!service.getName().endsWith("Service")) {
        findings.add(new Finding(service.getFullName(), "does not end with Service"));
      }
    }
    for (MethodDescriptor method : Elements.methods(file)) {
      matches(UPPER_CAMEL, method.getName(), method.getFullName(), "UpperCamel", findings);
    }
    for (Descriptor message : Elements.messages(file)) {
      matches(UPPER_CAMEL, message.getName(), message.getFullName(), "UpperCamel", findings);
      for (FieldDescriptor field : message.getFields()) {
        matches(LOWER_SNAKE, field.getName(), field.getFullName(), "lower_snake", findings);
      }
    }
    Elements.enums(file).forEach(type -> checkEnum(type, findings));
    return findings;
  }

  private static void checkEnum(EnumDescriptor type, List<Finding> findings) {
    matches(UPPER_CAMEL, type.getName(), type.getFullName(), "UpperCamel", findings);
    String prefix = upperSnake(type.getName()) + "_";
    for (EnumValueDescriptor value : type.getValues()) {
      matches(UPPER_SNAKE, value.getName(), value.getFullName(), "UPPER_SNAKE", findings);
      if (!value.getName().startsWith(prefix)) {
        findings.add(new Finding(value.getFullName(), "does not begin with " + prefix));
      }
      boolean unspecified = value.getName().equals(prefix + "UNSPECIFIED");
      if (unspecified != (value.getNumber() == 0)) {
        findings.add(
            new Finding(value.getFullName(), "0, and 0 alone, must be " + prefix + "UNSPECIFIED"));
      }
    }
  }

  /** HeadPattern becomes HEAD_PATTERN; a run of capitals stays together, so DType becomes DTYPE. */
  private static String upperSnake(String upperCamel) {
    return upperCamel.replaceAll("([a-z0-9])([A-Z])", "$1_$2").toUpperCase(Locale.ROOT);
  }

  private static void matches(
      Pattern pattern, String name, String where, String form, List<Finding> findings) {
    if (!pattern.matcher(name).matches()) {
      findings.add(new Finding(where, "is not " + form));
    }
  }
}
