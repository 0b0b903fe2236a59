package dev.loupe.proto.lint;

import com.google.api.AnnotationsProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.ExtensionRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Descriptors as the compiler wrote them, comments and http annotations included. */
final class ProtoFiles {
  private ProtoFiles() {}

  /** Reads a descriptor set written with imports and source info; the files in its own order. */
  static List<FileDescriptor> read(Path set) throws IOException {
    ExtensionRegistry extensions = ExtensionRegistry.newInstance();
    AnnotationsProto.registerAllExtensions(extensions);
    try (InputStream in = Files.newInputStream(set)) {
      return link(FileDescriptorSet.parseFrom(in, extensions));
    }
  }

  /** Links the files of a set, which lists every file after those that it imports. */
  static List<FileDescriptor> link(FileDescriptorSet set) {
    Map<String, FileDescriptor> linked = new LinkedHashMap<>();
    for (FileDescriptorProto file : set.getFileList()) {
      List<FileDescriptor> imports = new ArrayList<>();
      file.getDependencyList().forEach(name -> imports.add(linked.get(name)));
      try {
        linked.put(
            file.getName(), FileDescriptor.buildFrom(file, imports.toArray(FileDescriptor[]::new)));
      } catch (DescriptorValidationException e) {
        throw new IllegalArgumentException("descriptors do not link: " + file.getName(), e);
      }
    }
    return List.copyOf(linked.values());
  }
}
