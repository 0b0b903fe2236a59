package dev.loupe.gateway.http;

import com.google.gson.JsonObject;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.grpc.GrpcHealthCheckService;
import com.linecorp.armeria.server.grpc.GrpcHealthCheckServiceBuilder;
import com.linecorp.armeria.server.healthcheck.HealthCheckService;
import com.linecorp.armeria.server.healthcheck.SettableHealthChecker;
import dev.loupe.server.GrpcServer;
import io.grpc.BindableService;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the gateway says of its health. It is well itself as long as it takes calls, whatever is
 * behind it: what is missing there is in the body of {@code /healthz}, and on {@code
 * grpc.health.v1.Health} under the name of each service that it would be called by.
 */
public final class GatewayHealth {
  private final Map<String, List<String>> services;
  private final Map<String, SettableHealthChecker> checkers = new LinkedHashMap<>();
  private volatile Map<String, String> lacks = Map.of();

  /**
   * Nothing is missing until it is said.
   *
   * @param services full names of the gRPC services by the name of the server behind the gateway
   */
  public GatewayHealth(Map<String, List<String>> services) {
    this.services = services;
    services
        .values()
        .forEach(
            names -> names.forEach(name -> checkers.put(name, new SettableHealthChecker(true))));
  }

  /** Says what is missing: a sentence by the name of each server that is not well. */
  public void lacks(Map<String, String> sentences) {
    lacks = Map.copyOf(sentences);
    services.forEach(
        (server, names) ->
            names.forEach(name -> checkers.get(name).setHealthy(!sentences.containsKey(server))));
  }

  /** {@code grpc.health.v1.Health}. */
  BindableService grpc() {
    GrpcHealthCheckServiceBuilder builder =
        GrpcHealthCheckService.builder()
            .serviceCheckers(GrpcServer.LIVENESS, new SettableHealthChecker(true));
    checkers.forEach(builder::serviceCheckers);
    return builder.build();
  }

  /** {@code /healthz}: 503 while the gateway drains, otherwise 200 with what it lacks. */
  HttpService http() {
    return HealthCheckService.of()
        .decorate(
            (health, context, request) ->
                request.method() == HttpMethod.HEAD
                    ? health.serve(context, request)
                    : HttpResponse.of(
                        health
                            .serve(context, request)
                            .aggregate()
                            .thenApply(answer -> body(answer.status()))));
  }

  private HttpResponse body(HttpStatus status) {
    JsonObject missing = new JsonObject();
    lacks.forEach(missing::addProperty);
    JsonObject body = new JsonObject();
    body.addProperty("healthy", status.isSuccess());
    body.add("lacks", missing);
    return HttpResponse.of(status, MediaType.JSON_UTF_8, body.toString());
  }
}
