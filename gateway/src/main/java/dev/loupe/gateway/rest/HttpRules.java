package dev.loupe.gateway.rest;

import com.google.api.AnnotationsProto;
import com.google.api.HttpRule;
import com.google.longrunning.OperationsGrpc;
import com.google.protobuf.Descriptors.MethodDescriptor;
import java.util.List;
import java.util.Optional;

/** Where each call is found as JSON over HTTP. */
public final class HttpRules {
  private static final String OPERATION = "/v1/{name=dictionaries/*/operations/*}";
  private static final String OPERATIONS = OperationsGrpc.SERVICE_NAME + ".";

  private HttpRules() {}

  /** The rule of a call, where it has one. */
  public static Optional<HttpRule> of(MethodDescriptor method) {
    if (method.getFullName().startsWith(OPERATIONS)) {
      return operations().stream()
          .filter(rule -> rule.getSelector().equals(method.getFullName()))
          .findFirst();
    }
    return method.getOptions().hasExtension(AnnotationsProto.http)
        ? Optional.of(method.getOptions().getExtension(AnnotationsProto.http))
        : Optional.empty();
  }

  /** Operations live under their dictionary, not at the top as Google's annotations have it. */
  public static List<HttpRule> operations() {
    return List.of(
        rule("ListOperations").setGet("/v1/{name=dictionaries/*}/operations").build(),
        rule("GetOperation").setGet(OPERATION).build(),
        rule("DeleteOperation").setDelete(OPERATION).build(),
        rule("CancelOperation").setPost(OPERATION + ":cancel").setBody("*").build(),
        rule("WaitOperation").setPost(OPERATION + ":wait").setBody("*").build());
  }

  private static HttpRule.Builder rule(String method) {
    return HttpRule.newBuilder().setSelector(OPERATIONS + method);
  }
}
