package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.AttributionServiceGrpc;
import dev.loupe.proto.inference.v1.AttributionTargets;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.LinearAttributionHeader;
import dev.loupe.proto.inference.v1.StreamLinearAttributionsRequest;
import dev.loupe.proto.inference.v1.StreamLinearAttributionsResponse;
import dev.loupe.proto.inference.v1.TargetPlace;
import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.proto.tensor.v1.TensorLayout;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenFile;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Linear attributions over real sockets, against rows of the golden graph (1e-4 of its largest).
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LinearAttributionApiTest {
  private static final int D = 32;

  private final GoldenFile graph = Golden.file("attribution.safetensors");
  private final double[] wte =
      Golden.file("gpt2-tiny/model.safetensors").tensor("wte.weight").values();
  private TinyServer tiny;

  @BeforeAll
  void start(@TempDir Path folder) {
    tiny = new TinyServer(folder);
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  /** Collects answers; whole once the server closes the stream. */
  private static final class Client implements StreamObserver<StreamLinearAttributionsResponse> {
    private final CompletableFuture<String> end = new CompletableFuture<>();
    private final Map<String, ByteArrayOutputStream> cotangents = new TreeMap<>();
    private final List<String> axes = new ArrayList<>();
    private final List<Long> done = new ArrayList<>();
    private int ids;

    @Override
    public void onNext(StreamLinearAttributionsResponse response) {
      if (response.hasRun()) {
        ids = response.getRun().getIdsCount();
      } else if (response.hasDone()) {
        done.add(response.getDone().getTargets());
      } else {
        var chunk = response.getChunk().getChunk();
        if (chunk.hasLayout()) {
          axes.clear();
          chunk.getLayout().getAxesList().forEach(axis -> axes.add(axis.getName()));
        }
        cotangents
            .computeIfAbsent(
                response.getBatchId() + " " + response.getChunk().getHookPoint(),
                key -> new ByteArrayOutputStream())
            .writeBytes(chunk.getData().toByteArray());
      }
    }

    @Override
    public void onError(Throwable failure) {
      end.complete(failure.getMessage());
    }

    @Override
    public void onCompleted() {
      end.complete("");
    }
  }

  private Client run(StreamLinearAttributionsRequest... requests) throws Exception {
    Client client = new Client();
    StreamObserver<StreamLinearAttributionsRequest> out =
        AttributionServiceGrpc.newStub(tiny.attribution().getChannel())
            .streamLinearAttributions(client);
    for (StreamLinearAttributionsRequest request : requests) {
      out.onNext(request);
    }
    out.onCompleted();
    client.end.get(60, TimeUnit.SECONDS);
    return client;
  }

  private StreamLinearAttributionsRequest header(String... sources) {
    LinearAttributionHeader.Builder header =
        LinearAttributionHeader.newBuilder()
            .setModel(TinyServer.MODEL)
            .setPrompt(TinyServer.prompt(graph.tensor("tokens").ints()));
    for (String source : sources) {
      header.addSources(Capture.newBuilder().setHookPoint(source));
    }
    return StreamLinearAttributionsRequest.newBuilder().setHeader(header).build();
  }

  private static StreamLinearAttributionsRequest targets(
      long id, float[] vectors, TargetPlace... places) {
    ByteBuffer data = ByteBuffer.allocate(4 * vectors.length).order(ByteOrder.LITTLE_ENDIAN);
    data.asFloatBuffer().put(vectors);
    TensorLayout.Builder layout =
        TensorLayout.newBuilder()
            .setDtype(DType.DTYPE_F32)
            .addAxes(Axis.newBuilder().setName("target").setSize(places.length))
            .addAxes(Axis.newBuilder().setName("d_model").setSize(vectors.length / places.length));
    return StreamLinearAttributionsRequest.newBuilder()
        .setTargets(
            AttributionTargets.newBuilder()
                .setBatchId(id)
                .addAllPlaces(Arrays.asList(places))
                .setVectors(
                    Tensor.newBuilder().setLayout(layout).setData(ByteString.copyFrom(data))))
        .build();
  }

  private static TargetPlace place(String point, int position) {
    return TargetPlace.newBuilder().setHookPoint(point).setPosition(position).build();
  }

  private float[] logitVector(int token) {
    double[] mean = new double[D];
    for (int i = 0; i < wte.length; i++) {
      mean[i % D] += wte[i] / 211;
    }
    float[] vector = new float[D];
    for (int i = 0; i < D; i++) {
      vector[i] = (float) (wte[token * D + i] - mean[i]);
    }
    return vector;
  }

  @Test
  void twoBatchesOfLogitsAgainstOnePass() throws Exception {
    int[] logits = graph.tensor("logit_tokens").ints();
    float[] first = logitVector(logits[0]);
    float[] second = Arrays.copyOf(logitVector(logits[1]), 2 * D);
    System.arraycopy(first, 0, second, D, D);
    TargetPlace last = place("unembed.hook_in", -1);
    Client client =
        run(header("hook_embed"), targets(4, first, last), targets(9, second, last, last));
    assertThat(client.end.get()).isEmpty();
    assertThat(client.ids).isEqualTo(9);
    assertThat(client.done).containsExactly(1L, 2L);
    assertThat(client.axes).containsExactly("target", "pos", "d_model");
    checkTokens(client, "4 hook_embed", 0, 0);
    checkTokens(client, "9 hook_embed", 0, 1);
    checkTokens(client, "9 hook_embed", 1, 0);
  }

  /** The token columns of a logit's row: cotangent at the embedding . the token's embedding. */
  private void checkTokens(Client client, String key, int target, int logit) {
    ByteBuffer data =
        ByteBuffer.wrap(client.cotangents.get(key).toByteArray()).order(ByteOrder.LITTLE_ENDIAN);
    int[] tokens = graph.tensor("tokens").ints();
    int nodes = (int) graph.tensor("adjacency").shape()[0];
    int row = nodes - (int) graph.tensor("logit_tokens").shape()[0] + logit;
    int column =
        (int) graph.tensor("active_features").shape()[0]
            + (int) graph.tensor("error_nodes").shape()[0];
    double[] adjacency = graph.tensor("adjacency").values();
    double largest = graph.tensor("adjacency").largest();
    for (int p = 0; p < tokens.length; p++) {
      double effect = 0;
      for (int i = 0; i < D; i++) {
        effect +=
            data.getFloat(4 * ((target * tokens.length + p) * D + i)) * wte[tokens[p] * D + i];
      }
      assertThat(effect)
          .isCloseTo(
              adjacency[row * nodes + column + p],
              org.assertj.core.data.Offset.offset(Golden.TOLERANCE * largest));
    }
  }

  @Test
  void refusesWhatCannotBeFollowed() throws Exception {
    float[] vector = new float[D];
    refused("header", targets(1, vector, place("hook_embed", 0)));
    refused("patterns are held", header("pattern0"));
    refused("unknown hook point", header("nowhere"));
    refused("must hold targets", header("hook_embed"), header("hook_embed"));
    refused(
        "-9 to 8", header("hook_embed"), targets(1, vector, place("blocks.1.hook_resid_pre", 9)));
    refused(
        "expected 128",
        header("hook_embed"),
        targets(1, vector, place("blocks.1.mlp.hook_pre", 0)));
    refused(
        "a vector for each place",
        header("hook_embed"),
        StreamLinearAttributionsRequest.newBuilder()
            .setTargets(
                targets(1, vector, place("hook_embed", 0)).getTargets().toBuilder()
                    .addPlaces(place("hook_embed", 1)))
            .build());
    float[] infinite = vector.clone();
    infinite[3] = Float.POSITIVE_INFINITY;
    refused("finite", header("hook_embed"), targets(1, infinite, place("hook_embed", 0)));
    StreamLinearAttributionsRequest twice = targets(1, vector, place("hook_embed", 0));
    refused("batch", header("hook_embed"), twice, twice);
  }

  private void refused(String part, StreamLinearAttributionsRequest... requests) throws Exception {
    assertThat(run(requests).end.get()).contains(part);
  }
}
