package dev.loupe.proto.lint;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * No field, package or RPC carries a name that a client's language keeps for itself. In Python such
 * a field can be reached through getattr only, such a package cannot be imported; in JavaScript, Go
 * and Java generators rename them, each in its own way.
 */
final class ReservedWordRule implements LintRule {
  private static final Set<String> PYTHON =
      Set.of(
          "and",
          "as",
          "assert",
          "async",
          "await",
          "break",
          "class",
          "continue",
          "def",
          "del",
          "elif",
          "else",
          "except",
          "false",
          "finally",
          "for",
          "from",
          "global",
          "if",
          "import",
          "in",
          "is",
          "lambda",
          "none",
          "nonlocal",
          "not",
          "or",
          "pass",
          "raise",
          "return",
          "true",
          "try",
          "while",
          "with",
          "yield");
  private static final Set<String> JAVASCRIPT =
      Set.of(
          "case",
          "catch",
          "const",
          "constructor",
          "debugger",
          "default",
          "delete",
          "do",
          "enum",
          "export",
          "extends",
          "function",
          "instanceof",
          "let",
          "new",
          "null",
          "prototype",
          "super",
          "switch",
          "this",
          "throw",
          "typeof",
          "var",
          "void");
  private static final Set<String> JAVA =
      Set.of(
          "abstract",
          "boolean",
          "byte",
          "char",
          "double",
          "final",
          "float",
          "goto",
          "implements",
          "int",
          "interface",
          "long",
          "native",
          "package",
          "private",
          "protected",
          "public",
          "short",
          "static",
          "strictfp",
          "synchronized",
          "throws",
          "transient",
          "volatile");
  private static final Set<String> GO =
      Set.of("chan", "defer", "fallthrough", "func", "go", "internal", "map", "range", "select");

  @Override
  public List<Finding> check(FileDescriptor file) {
    List<Finding> findings = new ArrayList<>();
    Arrays.stream(file.getPackage().split("\\."))
        .forEach(part -> checkWord(part, file.getName(), findings));
    for (MethodDescriptor method : Elements.methods(file)) {
      checkWord(method.getName().toLowerCase(Locale.ROOT), method.getFullName(), findings);
    }
    for (Descriptor message : Elements.messages(file)) {
      for (FieldDescriptor field : message.getFields()) {
        checkWord(field.getName(), field.getFullName(), findings);
      }
    }
    return findings;
  }

  private static void checkWord(String word, String where, List<Finding> findings) {
    reserved(PYTHON, "Python", word, where, findings);
    reserved(JAVASCRIPT, "JavaScript", word, where, findings);
    reserved(JAVA, "Java", word, where, findings);
    reserved(GO, "Go", word, where, findings);
  }

  private static void reserved(
      Set<String> words, String language, String word, String where, List<Finding> findings) {
    if (words.contains(word)) {
      findings.add(new Finding(where, "'" + word + "' is reserved in " + language));
    }
  }
}
