package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.ActivationCache;
import dev.loupe.proto.inference.v1.CachedValue;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.CapturedActivation;
import dev.loupe.proto.inference.v1.DeleteActivationCacheRequest;
import dev.loupe.proto.inference.v1.DotProducts;
import dev.loupe.proto.inference.v1.GetActivationCacheRequest;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.KeepCaptures;
import dev.loupe.proto.inference.v1.LargestEntries;
import dev.loupe.proto.inference.v1.ListActivationCachesRequest;
import dev.loupe.proto.inference.v1.Mean;
import dev.loupe.proto.inference.v1.MeanOver;
import dev.loupe.proto.inference.v1.Norm;
import dev.loupe.proto.inference.v1.Patch;
import dev.loupe.proto.inference.v1.ProjectOut;
import dev.loupe.proto.inference.v1.ReadActivationCacheRequest;
import dev.loupe.proto.inference.v1.ReadActivationCacheResponse;
import dev.loupe.proto.inference.v1.Reduction;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.proto.tensor.v1.TensorLayout;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.testkit.golden.GoldenAssert;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Edits, reduced captures and kept activations over real sockets. Golden values are held to 1e-4 of
 * each tensor's largest magnitude.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class KeptActivationsTest {
  private static final String KEY = "a key that nobody guesses";
  private static final String LOGITS = "unembed.hook_out";
  private static final String RESID = "blocks.1.hook_resid_post";

  private TinyServer tiny;

  @BeforeAll
  void start(@TempDir Path folder) {
    tiny =
        new TinyServer(
            folder,
            config ->
                config.withBounds(
                    config.maxCalls(),
                    config.maxWaiting(),
                    64L << 20,
                    java.time.Duration.ofSeconds(5)));
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  private RunForwardPassRequest.Builder request() {
    return RunForwardPassRequest.newBuilder()
        .setModel(TinyServer.MODEL)
        .addAllPrompts(tiny.prompts());
  }

  private static Capture.Builder capture(String name) {
    return Capture.newBuilder().setHookPoint(name);
  }

  private void goldenLogits(String name, Intervention.Builder edit) {
    RunForwardPassResponse response =
        tiny.stub()
            .runForwardPass(request().addCaptures(capture(LOGITS)).addInterventions(edit).build());
    Tensor logits = response.getActivations(0).getValue();
    GoldenAssert.assertClose(
        name, Activations.shape(logits), Activations.floats(logits), tiny.golden().tensor(name));
  }

  private static Tensor tensor(float[] values, String outer, int width) {
    ByteBuffer data = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    data.asFloatBuffer().put(values);
    return Tensor.newBuilder()
        .setLayout(
            TensorLayout.newBuilder()
                .setDtype(DType.DTYPE_F32)
                .addAxes(Axis.newBuilder().setName(outer).setSize(values.length / width))
                .addAxes(Axis.newBuilder().setName("d_model").setSize(width)))
        .setData(ByteString.copyFrom(data.array()))
        .build();
  }

  private float[] golden(String name) {
    return tiny.golden().tensor(name).floats();
  }

  @Test
  void goldenEditsOverTheWire() {
    goldenLogits(
        "edit/mean_ablate_attn_out_0",
        Intervention.newBuilder().setHookPoint("attn_out0").setMean(Mean.getDefaultInstance()));
    goldenLogits(
        "edit/project_out_direction_resid_mid_1",
        Intervention.newBuilder()
            .setHookPoint("resid_mid1")
            .setProjectOut(
                ProjectOut.newBuilder()
                    .setDirections(tensor(golden("edit/direction"), "vector", 32))));
    goldenLogits(
        "edit/patch_resid_post_1_row0_pos5_from_row2",
        Intervention.newBuilder()
            .setHookPoint("blocks.1.hook_out")
            .addPositions(5)
            .addRows(0)
            .setPatch(Patch.newBuilder().setRow(2)));
  }

  @Test
  void aKeptRunCanBePatchedFrom() {
    ActivationCache cache = keep(capture(RESID));
    goldenLogits(
        "edit/patch_resid_post_1_row0_pos5_from_row2",
        Intervention.newBuilder()
            .setHookPoint(RESID)
            .addPositions(5)
            .addRows(0)
            .setPatch(
                Patch.newBuilder()
                    .setCached(CachedValue.newBuilder().setCache(cache.getName()).setRow(2))));
    delete(cache);
  }

  @Test
  void reductionsOfOnePointAreAnsweredSideBySide() {
    float[] direction = golden("edit/direction");
    RunForwardPassResponse response =
        tiny.stub()
            .runForwardPass(
                request()
                    .addCaptures(capture(RESID))
                    .addCaptures(capture(RESID).addPositions(-1).setDtype(DType.DTYPE_BF16))
                    .addCaptures(
                        capture(RESID)
                            .addReductions(reduction().setNorm(Norm.getDefaultInstance())))
                    .addCaptures(
                        capture(RESID)
                            .addReductions(
                                reduction()
                                    .setDot(
                                        DotProducts.newBuilder()
                                            .setVectors(tensor(direction, "vector", 32))))
                            .addReductions(
                                reduction().setMean(MeanOver.newBuilder().setAxis("pos"))))
                    .addCaptures(
                        capture(RESID)
                            .addPositions(3)
                            .addReductions(
                                reduction().setLargest(LargestEntries.newBuilder().setCount(2))))
                    .build());
    Map<Integer, CapturedActivation> byCapture =
        response.getActivationsList().stream()
            .collect(Collectors.toMap(CapturedActivation::getCapture, value -> value));
    float[] whole = Activations.floats(byCapture.get(0).getValue());
    assertThat(axes(byCapture.get(1)))
        .containsExactly(Map.entry("batch", 3L), Map.entry("pos", 1L), Map.entry("d_model", 32L));
    ByteBuffer halves =
        ByteBuffer.wrap(byCapture.get(1).getValue().getData().toByteArray())
            .order(ByteOrder.LITTLE_ENDIAN);
    float[] norms = Activations.floats(byCapture.get(2).getValue());
    float[] products = Activations.floats(byCapture.get(3).getValue());
    assertThat(axes(byCapture.get(3)))
        .containsExactly(Map.entry("batch", 3L), Map.entry("vector", 1L));
    for (int row = 0; row < 3; row++) {
      double product = 0;
      for (int position = 0; position < 17; position++) {
        double square = 0;
        for (int i = 0; i < 32; i++) {
          float x = whole[(row * 17 + position) * 32 + i];
          square += x * x;
          product += x * direction[i] / 17;
          if (position == 16) {
            float sent = Float.intBitsToFloat(halves.getShort((row * 32 + i) * 2) << 16);
            assertThat(Math.abs(sent - x)).isLessThanOrEqualTo(Math.abs(x) / 256);
          }
        }
        double norm = Math.sqrt(square);
        assertThat(Math.abs(norms[row * 17 + position] - norm)).isLessThan(1e-4 * norm);
      }
      assertThat(Math.abs(products[row] - product)).isLessThan(1e-3);
    }
    CapturedActivation largest = byCapture.get(4);
    float[] values = Activations.floats(largest.getValue());
    ByteBuffer places =
        ByteBuffer.wrap(largest.getIndices().getData().toByteArray())
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < values.length; i++) {
      int row = i / 2;
      assertThat(whole[(row * 17 + 3) * 32 + places.getInt(4 * i)]).isEqualTo(values[i]);
    }
  }

  private static Reduction.Builder reduction() {
    return Reduction.newBuilder();
  }

  private static Map<String, Long> axes(CapturedActivation activation) {
    Map<String, Long> axes = new LinkedHashMap<>();
    activation
        .getValue()
        .getLayout()
        .getAxesList()
        .forEach(axis -> axes.put(axis.getName(), axis.getSize()));
    return axes;
  }

  private ActivationCache keep(Capture.Builder... captures) {
    RunForwardPassRequest.Builder request = request();
    for (Capture.Builder capture : captures) {
      request.addCaptures(capture);
    }
    RunForwardPassResponse response =
        tiny.stub()
            .runForwardPass(request.setKeep(KeepCaptures.newBuilder().setOwnerKey(KEY)).build());
    assertThat(response.getActivationsList()).isEmpty();
    return response.getCache();
  }

  private void delete(ActivationCache cache) {
    assertThat(
            tiny.stub()
                .deleteActivationCache(
                    DeleteActivationCacheRequest.newBuilder().setName(cache.getName()).build()))
        .isNotNull();
  }

  private Map<String, byte[]> read(ActivationCache cache, Capture.Builder... captures) {
    ReadActivationCacheRequest.Builder request =
        ReadActivationCacheRequest.newBuilder().setName(cache.getName());
    for (Capture.Builder capture : captures) {
      request.addCaptures(capture);
    }
    Map<String, ByteArrayOutputStream> arrays = new LinkedHashMap<>();
    Iterator<ReadActivationCacheResponse> responses =
        tiny.stub().readActivationCache(request.build());
    boolean first = true;
    while (responses.hasNext()) {
      ReadActivationCacheResponse response = responses.next();
      assertThat(response.hasProvenance()).isEqualTo(first);
      first = false;
      arrays
          .computeIfAbsent(response.getChunk().getHookPoint(), name -> new ByteArrayOutputStream())
          .writeBytes(response.getChunk().getChunk().getData().toByteArray());
    }
    Map<String, byte[]> bytes = new LinkedHashMap<>();
    arrays.forEach((name, array) -> bytes.put(name, array.toByteArray()));
    return bytes;
  }

  @Test
  void whatIsKeptIsReadWholeOrInParts() {
    ActivationCache cache = keep(capture("resid_post*"), capture("pattern0"));
    assertThat(cache.getName()).matches("models/gpt2-tiny/activationCaches/c[0-9a-f]{32}");
    assertThat(cache.getEntriesList()).hasSize(4);
    assertThat(cache.getBytes()).isGreaterThan(4 * 3 * 17 * (3 * 32 + 4 * 17));
    assertThat(
            tiny.stub()
                .getActivationCache(
                    GetActivationCacheRequest.newBuilder().setName(cache.getName()).build()))
        .isEqualTo(cache);
    assertThat(
            tiny.stub()
                .listActivationCaches(
                    ListActivationCachesRequest.newBuilder()
                        .setParent(TinyServer.MODEL)
                        .setOwnerKey(KEY)
                        .build())
                .getActivationCachesList())
        .contains(cache);
    Map<String, byte[]> all = read(cache);
    assertThat(all).hasSize(4);
    all.forEach(
        (name, bytes) ->
            GoldenAssert.assertClose(
                name, Activations.floats(bytes), tiny.golden().tensor("run/" + name)));
    Map<String, byte[]> last = read(cache, capture("blocks.*.hook_out").addPositions(-1));
    assertThat(last.keySet())
        .containsExactly(
            "blocks.0.hook_resid_post", "blocks.1.hook_resid_post", "blocks.2.hook_resid_post");
    float[] whole = Activations.floats(all.get(RESID));
    float[] end = Activations.floats(last.get(RESID));
    assertThat(end).hasSize(3 * 32);
    for (int i = 0; i < end.length; i++) {
      assertThat(end[i]).isEqualTo(whole[(i / 32 * 17 + 16) * 32 + i % 32]);
    }
    refused(ErrorReason.INVALID_VALUE, "nothing was kept whole", () -> read(cache, capture("z1")));
    delete(cache);
    refused(ErrorReason.CACHE_NOT_FOUND, "no activations are kept", () -> read(cache));
  }

  @Test
  void pagesGoOnWhereTheyWereWhenTheLastOneListedIsGone() {
    List<ActivationCache> made = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      made.add(keep(capture("hook_embed")));
    }
    ListActivationCachesRequest.Builder request =
        ListActivationCachesRequest.newBuilder()
            .setParent(TinyServer.MODEL)
            .setOwnerKey(KEY)
            .setPageSize(1);
    List<String> seen = new ArrayList<>();
    do {
      var page = tiny.stub().listActivationCaches(request.build());
      for (ActivationCache cache : page.getActivationCachesList()) {
        seen.add(cache.getName());
        if (made.contains(cache)) {
          delete(cache);
        }
      }
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty() && seen.size() < 100);

    assertThat(seen).doesNotHaveDuplicates();
    assertThat(seen).containsSubsequence(made.stream().map(ActivationCache::getName).toList());
  }

  /** Who sends another's name, or none, as all clients of this machine do, sees nothing of it. */
  @Test
  void onlyAKeyListsWhatWasKept() {
    ActivationCache cache = keep(capture("hook_embed"));
    for (String other : List.of(KEY + "!", "x".repeat(16))) {
      assertThat(
              tiny.stub()
                  .listActivationCaches(
                      ListActivationCachesRequest.newBuilder()
                          .setParent(TinyServer.MODEL)
                          .setOwnerKey(other)
                          .build())
                  .getActivationCachesList())
          .isEmpty();
    }
    for (String none : List.of("", "x".repeat(15), "x".repeat(129))) {
      refused(
          ErrorReason.INVALID_VALUE,
          "owner_key",
          () ->
              tiny.stub()
                  .listActivationCaches(
                      ListActivationCachesRequest.newBuilder()
                          .setParent(TinyServer.MODEL)
                          .setOwnerKey(none)
                          .build()));
    }
    refused(
        ErrorReason.INVALID_VALUE,
        "keep.owner_key has 5 characters",
        () ->
            tiny.stub()
                .runForwardPass(
                    request()
                        .addCaptures(capture("hook_embed"))
                        .setKeep(KeepCaptures.newBuilder().setOwnerKey("short"))
                        .build()));
    delete(cache);
  }

  @Test
  void timesToLiveThatAreNoneAreRefused() {
    List<Duration.Builder> times =
        List.of(
            Duration.newBuilder(),
            Duration.newBuilder().setSeconds(-1),
            Duration.newBuilder().setSeconds(1).setNanos(-5),
            Duration.newBuilder().setNanos(1_000_000_000),
            Duration.newBuilder().setSeconds(86_400).setNanos(1),
            Duration.newBuilder().setSeconds(Long.MAX_VALUE).setNanos(Integer.MAX_VALUE));
    for (Duration.Builder time : times) {
      RunForwardPassRequest request =
          request()
              .addCaptures(capture("hook_embed"))
              .setKeep(KeepCaptures.newBuilder().setTimeToLive(time))
              .build();
      refused(
          ErrorReason.INVALID_VALUE,
          "keep.time_to_live",
          () -> tiny.stub().runForwardPass(request));
    }
  }

  private static void refused(ErrorReason reason, String message, ThrowingCallable call) {
    assertThatThrownBy(call)
        .hasMessageContaining(message)
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(reason));
  }

  @Test
  void aFullCacheSaysWhatWouldFit() {
    // A quarter of 64 MiB is for what is kept, three quarters of it for one tenant; each of these
    // takes more than half.
    int[] row = new int[48];
    RunForwardPassRequest.Builder large =
        RunForwardPassRequest.newBuilder()
            .setModel(TinyServer.MODEL)
            .addCaptures(capture("blocks.*"))
            .setKeep(KeepCaptures.newBuilder().setTimeToLive(Duration.newBuilder().setSeconds(60)));
    for (int i = 0; i < 10; i++) {
      large.addPrompts(TinyServer.prompt(row));
    }
    ActivationCache kept = tiny.stub().runForwardPass(large.build()).getCache();
    assertThat(kept.getBytes()).isGreaterThan(8L << 20);
    refused(
        ErrorReason.OUT_OF_BUDGET,
        "are left for one tenant",
        () -> tiny.stub().runForwardPass(large.build()));
    assertThat(read(kept, capture("z0").addPositions(0))).hasSize(1);
    delete(kept);
    delete(tiny.stub().runForwardPass(large.build()).getCache());
  }

  @Test
  void keepingNeedsSomethingToKeepAndATime() {
    refused(
        ErrorReason.INVALID_VALUE,
        "no captures",
        () ->
            tiny.stub()
                .runForwardPass(request().setKeep(KeepCaptures.getDefaultInstance()).build()));
    refused(
        ErrorReason.INVALID_VALUE,
        "keep.time_to_live",
        () ->
            tiny.stub()
                .runForwardPass(
                    request()
                        .addCaptures(capture(RESID))
                        .setKeep(
                            KeepCaptures.newBuilder()
                                .setTimeToLive(Duration.newBuilder().setSeconds(86_401)))
                        .build()));
    refused(
        ErrorReason.UNKNOWN_HOOK_POINT,
        "Tokenize",
        () -> tiny.stub().runForwardPass(request().addCaptures(capture("hook_tokens")).build()));
  }
}
