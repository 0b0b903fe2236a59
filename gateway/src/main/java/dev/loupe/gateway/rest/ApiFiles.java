package dev.loupe.gateway.rest;

import com.google.api.AnnotationsProto;
import com.google.api.FieldBehaviorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import com.google.protobuf.ExtensionRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;

/** The protos as they were written, with the comments that generated code has lost. */
final class ApiFiles {
  private static final String SET = "/META-INF/armeria/grpc/loupe.dsc";

  private final Map<String, ServiceDescriptor> services = new LinkedHashMap<>();

  private ApiFiles(FileDescriptorSet set) {
    Map<String, FileDescriptor> linked = new LinkedHashMap<>();
    // A set lists every file after those that it imports.
    for (FileDescriptorProto file : set.getFileList()) {
      FileDescriptor[] imports =
          file.getDependencyList().stream().map(linked::get).toArray(FileDescriptor[]::new);
      try {
        FileDescriptor whole = FileDescriptor.buildFrom(file, imports);
        linked.put(file.getName(), whole);
        whole.getServices().forEach(service -> services.put(service.getFullName(), service));
      } catch (DescriptorValidationException e) {
        throw new IllegalStateException(file.getName() + " in " + SET + " does not link", e);
      }
    }
  }

  /** Reads what the proto module's build put on the class path. */
  static ApiFiles read() {
    ExtensionRegistry extensions = ExtensionRegistry.newInstance();
    AnnotationsProto.registerAllExtensions(extensions);
    FieldBehaviorProto.registerAllExtensions(extensions);
    try (InputStream in = ApiFiles.class.getResourceAsStream(SET)) {
      if (in == null) {
        throw new IllegalStateException(SET + " is not on the class path");
      }
      return new ApiFiles(FileDescriptorSet.parseFrom(in, extensions));
    } catch (IOException e) {
      throw new UncheckedIOException(SET + " cannot be read", e);
    }
  }

  /** A service by its full name. */
  ServiceDescriptor service(String name) {
    ServiceDescriptor service = services.get(name);
    if (service == null) {
      throw new IllegalStateException("the protos have no service " + name);
    }
    return service;
  }
}
