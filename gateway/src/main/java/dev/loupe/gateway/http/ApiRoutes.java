package dev.loupe.gateway.http;

import com.google.longrunning.OperationsGrpc;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.rpc.ErrorDetailsProto;
import com.linecorp.armeria.common.grpc.GrpcSerializationFormats;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.Route;
import com.linecorp.armeria.server.grpc.GrpcService;
import com.linecorp.armeria.server.grpc.GrpcServiceBuilder;
import com.linecorp.armeria.server.grpc.HttpJsonTranscodingConflictStrategy;
import com.linecorp.armeria.server.grpc.HttpJsonTranscodingOptions;
import com.linecorp.armeria.server.grpc.HttpJsonTranscodingQueryParamMatchRule;
import dev.loupe.gateway.rest.HttpRules;
import io.grpc.BindableService;
import io.grpc.ServerServiceDefinition;
import io.grpc.protobuf.ProtoFileDescriptorSupplier;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes gRPC services reachable as gRPC, gRPC-Web and JSON: under the paths of their
 * google.api.http annotations, and by POST under their gRPC paths, which the docs' forms use.
 *
 * <p>Each upstream's services become one Armeria service of their own: Armeria 1.36 sorts the
 * routes of one service by an order that contradicts itself, which Java's sort may refuse from 32
 * routes on.
 */
final class ApiRoutes {
  private static final int MAX_RESPONSE_BYTES = 16 << 20;

  private final int maxMessageBytes;
  private final HttpErrors errors;
  private final RawJson json;

  /**
   * @param all services, whose messages may stand in each other's
   */
  ApiRoutes(int maxMessageBytes, HttpErrors errors, Collection<ServerServiceDefinition> all) {
    this.maxMessageBytes = maxMessageBytes;
    this.errors = errors;
    this.json = new RawJson(files(all));
  }

  /** The routes of these services. */
  GrpcService of(List<ServerServiceDefinition> services) {
    return builder(services).build();
  }

  /**
   * What tools ask, on threads that may wait: on its network threads Armeria 1.36 says that a call
   * is ready again while its last message is still being handled, upon which grpc-java's reflection
   * answers a question twice (Armeria's issue 6938).
   */
  GrpcService forTools(List<ServerServiceDefinition> services, BindableService health) {
    return builder(services).addService(health).useBlockingTaskExecutor(true).build();
  }

  /** The JSON form of the streams among these services, by where it is. */
  Map<Route, HttpService> streams(List<ServerServiceDefinition> services) {
    return new JsonStreams(json).of(services);
  }

  private GrpcServiceBuilder builder(List<ServerServiceDefinition> services) {
    boolean operations =
        services.stream()
            .anyMatch(s -> s.getServiceDescriptor().getName().equals(OperationsGrpc.SERVICE_NAME));
    return GrpcService.builder()
        .addServiceDefinitions(JsonStreams.without(services))
        .supportedSerializationFormats(GrpcSerializationFormats.values())
        .enableUnframedRequests(true)
        .unframedGrpcErrorHandler(errors)
        .enableHttpJsonTranscoding(
            HttpJsonTranscodingOptions.builder()
                .errorHandler(errors)
                .conflictStrategy(HttpJsonTranscodingConflictStrategy.lastWins())
                .queryParamMatchRules(
                    HttpJsonTranscodingQueryParamMatchRule.ORIGINAL_FIELD,
                    HttpJsonTranscodingQueryParamMatchRule.LOWER_CAMEL_CASE)
                .additionalHttpRules(operations ? HttpRules.operations() : List.of())
                .build())
        .jsonMarshallerFactory(service -> json)
        .exceptionHandler(new CallErrors(maxMessageBytes))
        .maxRequestMessageLength(maxMessageBytes)
        .maxResponseMessageLength(MAX_RESPONSE_BYTES);
  }

  private static Collection<FileDescriptor> files(Collection<ServerServiceDefinition> services) {
    Map<String, FileDescriptor> files = new LinkedHashMap<>();
    services.forEach(
        service -> {
          if (service.getServiceDescriptor().getSchemaDescriptor()
              instanceof ProtoFileDescriptorSupplier schema) {
            addWithImports(schema.getFileDescriptor(), files);
          }
        });
    addWithImports(ErrorDetailsProto.getDescriptor(), files);
    return files.values();
  }

  private static void addWithImports(FileDescriptor file, Map<String, FileDescriptor> files) {
    if (files.put(file.getFullName(), file) == null) {
      file.getDependencies().forEach(imported -> addWithImports(imported, files));
    }
  }
}
