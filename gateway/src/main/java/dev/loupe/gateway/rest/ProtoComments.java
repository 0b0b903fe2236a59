package dev.loupe.gateway.rest;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.ServiceDescriptorProto;
import com.google.protobuf.DescriptorProtos.SourceCodeInfo.Location;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What stands above each element of a proto. A location's path is field numbers and indices. */
final class ProtoComments {
  private static final Pattern SENTENCE = Pattern.compile("^(.*?[.?!])(\\s|$)", Pattern.DOTALL);

  private final Map<FileDescriptor, Map<List<Integer>, String>> files = new HashMap<>();

  String of(ServiceDescriptor service) {
    return at(
        service.getFile(), List.of(FileDescriptorProto.SERVICE_FIELD_NUMBER, service.getIndex()));
  }

  String of(MethodDescriptor method) {
    return at(
        method.getFile(),
        List.of(
            FileDescriptorProto.SERVICE_FIELD_NUMBER,
            method.getService().getIndex(),
            ServiceDescriptorProto.METHOD_FIELD_NUMBER,
            method.getIndex()));
  }

  String of(Descriptor message) {
    return at(message.getFile(), path(message));
  }

  String of(FieldDescriptor field) {
    List<Integer> path = path(field.getContainingType());
    return at(field.getFile(), longer(path, DescriptorProto.FIELD_FIELD_NUMBER, field.getIndex()));
  }

  String of(EnumDescriptor type) {
    return at(type.getFile(), path(type));
  }

  String of(EnumValueDescriptor value) {
    return at(
        value.getFile(),
        longer(path(value.getType()), EnumDescriptorProto.VALUE_FIELD_NUMBER, value.getIndex()));
  }

  /** The first sentence of a comment, without its full stop. */
  static String summary(String comment) {
    Matcher sentence = SENTENCE.matcher(comment);
    String first = sentence.find() ? sentence.group(1) : comment;
    return (first.endsWith(".") ? first.substring(0, first.length() - 1) : first)
        .replace('\n', ' ');
  }

  private String at(FileDescriptor file, List<Integer> path) {
    return files.computeIfAbsent(file, ProtoComments::read).getOrDefault(path, "");
  }

  private static Map<List<Integer>, String> read(FileDescriptor file) {
    Map<List<Integer>, String> comments = new HashMap<>();
    for (Location location : file.toProto().getSourceCodeInfo().getLocationList()) {
      comments.put(
          location.getPathList(), location.getLeadingComments().strip().replace("\n ", "\n"));
    }
    return comments;
  }

  private static List<Integer> path(Descriptor message) {
    Descriptor outer = message.getContainingType();
    return outer == null
        ? List.of(FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER, message.getIndex())
        : longer(path(outer), DescriptorProto.NESTED_TYPE_FIELD_NUMBER, message.getIndex());
  }

  private static List<Integer> path(EnumDescriptor type) {
    Descriptor outer = type.getContainingType();
    return outer == null
        ? List.of(FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER, type.getIndex())
        : longer(path(outer), DescriptorProto.ENUM_TYPE_FIELD_NUMBER, type.getIndex());
  }

  private static List<Integer> longer(List<Integer> path, int field, int index) {
    List<Integer> longer = new ArrayList<>(path);
    longer.add(field);
    longer.add(index);
    return longer;
  }
}
