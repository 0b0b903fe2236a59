package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.ActivationCache;
import dev.loupe.proto.inference.v1.AttributionServiceGrpc;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.HeadServiceGrpc;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.KeepCaptures;
import dev.loupe.proto.inference.v1.NeuronServiceGrpc;
import dev.loupe.proto.inference.v1.PatchingServiceGrpc;
import dev.loupe.proto.inference.v1.Provenance;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Calls every call of the inference services whose answer has a place for a provenance, and looks
 * whether it is there. A call that is new has no request here, and fails until it gets one.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ProvenanceTest {
  private static final String MODEL = "model: 'models/gpt2-tiny' ";
  private static final String PROMPT = "prompt { tokens { ids: [5, 80, 9] } } ";
  private static final String PROMPTS = "prompts { tokens { ids: [5, 80, 9] } } ";
  private static final String METRIC = "metric { logit { position: -1 token: 3 } } ";
  private static final String PAIR =
      "clean { tokens { ids: [5, 80, 9] } } corrupt { tokens { ids: [5, 81, 9] } } ";
  private static final String RESID = "hook_point: 'blocks.0.hook_resid_post' ";
  private static final String VECTOR =
      "layout { dtype: DTYPE_F32 axes { name: 'row' size: 1 } axes { name: 'd' size: 32 } } data: '"
          + "\\000\\000\\200\\077".repeat(32)
          + "' ";

  /** Messages that say it once in an answer, with the first of their kind. */
  private static final Set<String> ON_FIRST =
      Set.of(
          "loupe.inference.v1.GenerateTextResponse",
          "loupe.inference.v1.ReadActivationCacheResponse",
          "loupe.inference.v1.ScoreCompositionResponse",
          "loupe.inference.v1.ScanProgress");

  private final Map<String, List<String>> requests = new LinkedHashMap<>();
  private TinyServer tiny;
  private String sha256;

  @BeforeAll
  void start(@TempDir Path folder) {
    tiny = new TinyServer(folder);
    sha256 =
        tiny.stub()
            .getModel(GetModelRequest.newBuilder().setName(TinyServer.MODEL).build())
            .getWeightsSha256();
    request("RunForwardPass", MODEL + PROMPTS + "top_k: 1");
    request(
        "StreamActivations",
        "header { " + MODEL + "captures { " + RESID + "} }",
        "batch { batch_id: 1 rows { ids: [5, 80, 9] } }",
        "batch { batch_id: 2 rows { ids: [7] } rows { ids: [8, 9] } }");
    request(
        "RunWithHooks",
        "header { forward_pass { " + MODEL + PROMPTS + "} hook_points: 'z0' }",
        "keep { }");
    request("GenerateText", MODEL + PROMPTS + "max_new_tokens: 3 ignore_eos: true samples: 2");
    request("ReadActivationCache", "name: '" + kept() + "' ");
    request("ComputeLogitLens", MODEL + PROMPT);
    request("AttributeLogits", MODEL + PROMPT + "position: -1 token: 3");
    request("ComputeGradients", MODEL + PROMPTS + METRIC + "gradients { " + RESID + "}");
    request("PatchByAttribution", MODEL + PAIR + METRIC + "hook_points: 'resid_post0'");
    request(
        "StreamLinearAttributions",
        "header { " + MODEL + PROMPT + "sources { hook_point: 'hook_embed' } }",
        "targets { batch_id: 1 places { " + RESID + "position: -1 } vectors { " + VECTOR + "} }");
    request("ScoreHeads", MODEL + PROMPTS + "pattern: HEAD_PATTERN_PREVIOUS_TOKEN");
    request("ScoreComposition", MODEL + "kind: COMPOSITION_KIND_Q");
    request("ScoreCopying", MODEL + "circuit: HEAD_CIRCUIT_OV");
    request("ComputeSingularDirections", MODEL + "matrix: WEIGHT_MATRIX_OV");
    request("ProjectToVocabulary", MODEL + "directions { " + VECTOR + "}");
    request(
        "ScanNeurons",
        "header { " + MODEL + "neurons { hook_point: 'blocks.0.mlp.hook_post' indices: 3 } }",
        "batch { batch_id: 1 rows { ids: [5, 80, 9] } }",
        "batch { batch_id: 2 rows { ids: [5, 80] } }");
    request("ComputeNeuronEffects", MODEL + "neurons: 3");
    request("FindNearestTokens", MODEL + "terms { token: 3 }");
    request(
        "SweepPatches",
        MODEL
            + PAIR
            + METRIC
            + "activation: PATCHED_ACTIVATION_RESID_PRE spread: PATCH_SPREAD_BY_POSITION");
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  private void request(String method, String... messages) {
    requests.put(method, List.of(messages));
  }

  private String kept() {
    ActivationCache cache =
        tiny.stub()
            .runForwardPass(
                RunForwardPassRequest.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .addPrompts(TinyServer.prompt(5, 80, 9))
                    .addCaptures(Capture.newBuilder().setHookPoint("blocks.*.hook_resid_post"))
                    .setKeep(KeepCaptures.getDefaultInstance())
                    .build())
            .getCache();
    return cache.getName();
  }

  static Stream<String> methods() {
    return computing().keySet().stream();
  }

  /** The calls whose answers have a place for a provenance, by their bare names. */
  private static Map<String, MethodDescriptor<?, ?>> computing() {
    Map<String, MethodDescriptor<?, ?>> found = new LinkedHashMap<>();
    for (ServiceDescriptor service :
        List.of(
            InferenceServiceGrpc.getServiceDescriptor(),
            AttributionServiceGrpc.getServiceDescriptor(),
            PatchingServiceGrpc.getServiceDescriptor(),
            HeadServiceGrpc.getServiceDescriptor(),
            NeuronServiceGrpc.getServiceDescriptor())) {
      for (MethodDescriptor<?, ?> method : service.getMethods()) {
        if (!carriers(answer(method), new HashSet<>()).isEmpty()) {
          found.put(method.getBareMethodName(), method);
        }
      }
    }
    return found;
  }

  private static Descriptor answer(MethodDescriptor<?, ?> method) {
    return ((ProtoMethodDescriptorSupplier) method.getSchemaDescriptor())
        .getMethodDescriptor()
        .getOutputType();
  }

  /** The messages within a message that have a field for it. */
  private static Set<Descriptor> carriers(Descriptor message, Set<Descriptor> seen) {
    Set<Descriptor> carriers = new HashSet<>();
    if (!seen.add(message)) {
      return carriers;
    }
    for (FieldDescriptor field : message.getFields()) {
      if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
        if (field.getMessageType().equals(Provenance.getDescriptor())) {
          carriers.add(message);
        } else {
          carriers.addAll(carriers(field.getMessageType(), seen));
        }
      }
    }
    return carriers;
  }

  @Test
  void everyCallThatComputesIsCalled() {
    assertThat(requests.keySet()).containsExactlyInAnyOrderElementsOf(computing().keySet());
  }

  @ParameterizedTest
  @MethodSource("methods")
  void saysWhatMadeTheAnswer(String name) throws Exception {
    MethodDescriptor<?, ?> method = computing().get(name);
    List<Message> answers = call(method, requests.get(name));
    for (Descriptor carrier : carriers(answer(method), new HashSet<>())) {
      List<Message> instances = new ArrayList<>();
      answers.forEach(answer -> collect(answer, carrier, instances));
      assertThat(instances).as(carrier.getFullName()).isNotEmpty();
      boolean once = ON_FIRST.contains(carrier.getFullName());
      for (Message instance : once ? instances.subList(0, 1) : instances) {
        Provenance provenance = provenance(instance);
        assertThat(provenance.getModel()).as(carrier.getFullName()).isEqualTo(TinyServer.MODEL);
        assertThat(provenance.getWeightsSha256()).isEqualTo(sha256);
        assertThat(provenance.getEngine()).startsWith("PyTorch");
      }
    }
  }

  private static Provenance provenance(Message message) {
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
          && field.getMessageType().equals(Provenance.getDescriptor())) {
        return (Provenance) message.getField(field);
      }
    }
    throw new IllegalArgumentException(message.getDescriptorForType().getFullName());
  }

  private static void collect(Message message, Descriptor wanted, List<Message> into) {
    if (message.getDescriptorForType().equals(wanted)) {
      into.add(message);
    }
    for (Map.Entry<FieldDescriptor, Object> field : message.getAllFields().entrySet()) {
      if (field.getKey().getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
        List<?> values =
            field.getKey().isRepeated() ? (List<?>) field.getValue() : List.of(field.getValue());
        values.forEach(value -> collect((Message) value, wanted, into));
      }
    }
  }

  /** Sends everything, and waits for the whole answer. */
  private <Q, R> List<Message> call(MethodDescriptor<Q, R> method, List<String> messages)
      throws Exception {
    Channel channel = tiny.stub().getChannel();
    List<Message> answers = new ArrayList<>();
    CompletableFuture<List<Message>> end = new CompletableFuture<>();
    StreamObserver<Q> out =
        ClientCalls.asyncBidiStreamingCall(
            channel.newCall(method, CallOptions.DEFAULT),
            new StreamObserver<R>() {
              @Override
              public void onNext(R answer) {
                answers.add((Message) answer);
              }

              @Override
              public void onError(Throwable failure) {
                end.completeExceptionally(failure);
              }

              @Override
              public void onCompleted() {
                end.complete(answers);
              }
            });
    var marshaller = (MethodDescriptor.PrototypeMarshaller<Q>) method.getRequestMarshaller();
    for (String text : messages) {
      Message.Builder message = ((Message) marshaller.getMessagePrototype()).newBuilderForType();
      TextFormat.merge(text, message);
      out.onNext(marshaller.getMessageClass().cast(message.build()));
    }
    out.onCompleted();
    return end.get(60, TimeUnit.SECONDS);
  }
}
