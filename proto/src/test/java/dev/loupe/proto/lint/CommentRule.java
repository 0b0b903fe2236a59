package dev.loupe.proto.lint;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Everything has a comment of whole sentences, and a field's comment says more than its name: it
 * has a word of meaning that the name has not, or gives the pattern of a resource name.
 */
final class CommentRule implements LintRule {
  private static final Set<String> EMPTY_WORDS =
      Set.of("a", "an", "and", "for", "in", "is", "it", "its", "of", "the", "this", "to", "value");

  @Override
  public List<Finding> check(FileDescriptor file) {
    List<Finding> findings = new ArrayList<>();
    Comments comments = new Comments(file);
    present(file.getName(), comments.ofFile(), findings);
    for (ServiceDescriptor service : file.getServices()) {
      present(service.getFullName(), comments.of(service), findings);
    }
    for (MethodDescriptor method : Elements.methods(file)) {
      present(method.getFullName(), comments.of(method), findings);
    }
    for (Descriptor message : Elements.messages(file)) {
      present(message.getFullName(), comments.of(message), findings);
      for (FieldDescriptor field : message.getFields()) {
        present(field.getFullName(), comments.of(field), findings);
        saysMore(field, comments.of(field), findings);
      }
    }
    for (EnumDescriptor type : Elements.enums(file)) {
      present(type.getFullName(), comments.of(type), findings);
      for (EnumValueDescriptor value : type.getValues()) {
        present(value.getFullName(), comments.of(value), findings);
      }
    }
    return findings;
  }

  private static void present(String where, String comment, List<Finding> findings) {
    if (comment.isEmpty()) {
      findings.add(new Finding(where, "has no comment above it"));
    } else if (!comment.endsWith(".")) {
      findings.add(new Finding(where, "its comment does not end with a full stop: " + comment));
    }
  }

  private static void saysMore(FieldDescriptor field, String comment, List<Finding> findings) {
    Set<String> said = words(comment);
    said.removeAll(words(field.getName().replace('_', ' ')));
    boolean givesPattern = comment.contains("/{");
    if (said.isEmpty() && !givesPattern && !comment.isEmpty()) {
      findings.add(
          new Finding(field.getFullName(), "its comment repeats its name only: " + comment));
    }
  }

  private static Set<String> words(String text) {
    return Arrays.stream(text.toLowerCase(Locale.ROOT).split("[^a-z0-9]+"))
        .filter(word -> !word.isEmpty() && !EMPTY_WORDS.contains(word))
        .map(
            word ->
                word.length() > 3 && word.endsWith("s")
                    ? word.substring(0, word.length() - 1)
                    : word)
        .collect(Collectors.toSet());
  }
}
