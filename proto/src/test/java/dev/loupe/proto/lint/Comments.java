package dev.loupe.proto.lint;

import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
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

/**
 * The comments of a file, found through the paths of google.protobuf.SourceCodeInfo: field numbers
 * of FileDescriptorProto, DescriptorProto and so on, each followed by an index.
 */
final class Comments {
  private static final int SYNTAX = FileDescriptorProto.SYNTAX_FIELD_NUMBER;
  private static final int MESSAGE = FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER;
  private static final int FILE_ENUM = FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER;
  private static final int SERVICE = FileDescriptorProto.SERVICE_FIELD_NUMBER;
  private static final int FIELD = 2;
  private static final int NESTED = 3;
  private static final int MESSAGE_ENUM = 4;
  private static final int VALUE = 2;
  private static final int METHOD = 2;

  private final Map<List<Integer>, String> leading = new HashMap<>();

  Comments(FileDescriptor file) {
    for (Location location : file.toProto().getSourceCodeInfo().getLocationList()) {
      leading.put(location.getPathList(), location.getLeadingComments().strip());
    }
  }

  /** The comment above the syntax line, empty when there is none. */
  String ofFile() {
    return leading.getOrDefault(List.of(SYNTAX), "");
  }

  String of(ServiceDescriptor service) {
    return at(List.of(SERVICE, service.getIndex()));
  }

  String of(MethodDescriptor method) {
    return at(List.of(SERVICE, method.getService().getIndex(), METHOD, method.getIndex()));
  }

  String of(Descriptor message) {
    return at(path(message));
  }

  String of(FieldDescriptor field) {
    return at(extend(path(field.getContainingType()), FIELD, field.getIndex()));
  }

  String of(EnumDescriptor type) {
    return at(path(type));
  }

  String of(EnumValueDescriptor value) {
    return at(extend(path(value.getType()), VALUE, value.getIndex()));
  }

  private String at(List<Integer> path) {
    return leading.getOrDefault(path, "");
  }

  private static List<Integer> path(Descriptor message) {
    Descriptor outer = message.getContainingType();
    return outer == null
        ? List.of(MESSAGE, message.getIndex())
        : extend(path(outer), NESTED, message.getIndex());
  }

  private static List<Integer> path(EnumDescriptor type) {
    Descriptor outer = type.getContainingType();
    return outer == null
        ? List.of(FILE_ENUM, type.getIndex())
        : extend(path(outer), MESSAGE_ENUM, type.getIndex());
  }

  private static List<Integer> extend(List<Integer> path, int field, int index) {
    List<Integer> longer = new ArrayList<>(path);
    longer.add(field);
    longer.add(index);
    return longer;
  }
}
