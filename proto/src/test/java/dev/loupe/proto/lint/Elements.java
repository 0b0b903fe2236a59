package dev.loupe.proto.lint;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import java.util.ArrayList;
import java.util.List;

/** Walks through what a file declares, nested declarations included. */
final class Elements {
  private Elements() {}

  /** Every message, outer before inner; entry messages of maps are not declared and left out. */
  static List<Descriptor> messages(FileDescriptor file) {
    List<Descriptor> all = new ArrayList<>();
    file.getMessageTypes().forEach(message -> collect(message, all));
    return all;
  }

  private static void collect(Descriptor message, List<Descriptor> all) {
    if (message.getOptions().getMapEntry()) {
      return;
    }
    all.add(message);
    message.getNestedTypes().forEach(nested -> collect(nested, all));
  }

  /** Every enum, at the top level and within messages. */
  static List<EnumDescriptor> enums(FileDescriptor file) {
    List<EnumDescriptor> all = new ArrayList<>(file.getEnumTypes());
    messages(file).forEach(message -> all.addAll(message.getEnumTypes()));
    return all;
  }

  /** Every RPC of every service. */
  static List<MethodDescriptor> methods(FileDescriptor file) {
    List<MethodDescriptor> all = new ArrayList<>();
    for (ServiceDescriptor service : file.getServices()) {
      all.addAll(service.getMethods());
    }
    return all;
  }
}
