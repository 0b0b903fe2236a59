package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.ComputeType;
import dev.loupe.proto.inference.v1.DetokenizeRequest;
import dev.loupe.proto.inference.v1.DetokenizeResponse;
import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.HookPoint;
import dev.loupe.proto.inference.v1.ListHookPointsRequest;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.ListModelsResponse;
import dev.loupe.proto.inference.v1.Model;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.Provenance;
import dev.loupe.proto.inference.v1.RowResult;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.SpecialToken;
import dev.loupe.proto.inference.v1.SpecialTokens;
import dev.loupe.proto.inference.v1.TokenizeRequest;
import dev.loupe.proto.inference.v1.TokenizedText;
import dev.loupe.proto.inference.v1.WeightProcessing;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ModelsAndTokensTest {
  private TinyServer tiny;
  private Path folder;

  @BeforeAll
  void start(@TempDir Path parent) {
    tiny =
        new TinyServer(
            parent,
            config ->
                config.withModels(List.of(config.models().get(0), again(config.models().get(0)))));
    folder = parent.resolve("gpt2-tiny");
  }

  private static dev.loupe.inference.serving.ModelSpec again(
      dev.loupe.inference.serving.ModelSpec spec) {
    return new dev.loupe.inference.serving.ModelSpec("another", spec.source());
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  @Test
  void describesTheModel() throws Exception {
    Model model =
        tiny.stub().getModel(GetModelRequest.newBuilder().setName(TinyServer.MODEL).build());
    byte[] weights = Files.readAllBytes(folder.resolve("model.safetensors"));
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(weights);
    assertThat(model)
        .isEqualTo(
            Model.newBuilder()
                .setName(TinyServer.MODEL)
                .setLayers(3)
                .setHeads(4)
                .setDModel(32)
                .setDHead(8)
                .setDMlp(128)
                .setVocabularySize(211)
                .setContextSize(48)
                .setParameters(211 * 32 + 48 * 32 + 3 * (12 * 32 * 32 + 13 * 32) + 64)
                .setWeightsSha256(HexFormat.of().formatHex(hash))
                .setBosToken(TinyServer.BOS)
                .setDevice("cpu")
                .setComputeType(ComputeType.COMPUTE_TYPE_F32)
                .setProcessing(WeightProcessing.getDefaultInstance())
                .addStopTokens(TinyServer.BOS)
                .setSpecialTokens(
                    SpecialTokens.newBuilder()
                        .setBos(endOfText())
                        .setEos(endOfText())
                        .setPad(SpecialToken.newBuilder().setId(-1).setSource("no file names one")))
                .build());
  }

  private static SpecialToken endOfText() {
    return SpecialToken.newBuilder()
        .setId(TinyServer.BOS)
        .setToken("<|endoftext|>")
        .setSource("what GPT2Tokenizer takes where no file names one")
        .build();
  }

  @Test
  void whatMadeAnAnswerIsInIt() {
    Model model =
        tiny.stub().getModel(GetModelRequest.newBuilder().setName(TinyServer.MODEL).build());
    Provenance provenance =
        tiny.stub()
            .runForwardPass(
                RunForwardPassRequest.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .addPrompts(TinyServer.prompt("x"))
                    .build())
            .getProvenance();
    assertThat(provenance.getLoupeVersion()).matches("\\d+\\.\\d+.*");
    assertThat(provenance)
        .isEqualTo(
            Provenance.newBuilder()
                .setModel(TinyServer.MODEL)
                .setWeightsSha256(model.getWeightsSha256())
                .setComputeType(ComputeType.COMPUTE_TYPE_F32)
                .setProcessing(WeightProcessing.getDefaultInstance())
                .setEngine("PyTorch 2.7.1")
                .setDevice("cpu")
                .setLoupeVersion(provenance.getLoupeVersion())
                .build());
  }

  @Test
  void listsModelsByPages() {
    ListModelsResponse first =
        tiny.stub().listModels(ListModelsRequest.newBuilder().setPageSize(1).build());
    ListModelsResponse second =
        tiny.stub()
            .listModels(
                ListModelsRequest.newBuilder()
                    .setPageSize(1)
                    .setPageToken(first.getNextPageToken())
                    .build());
    assertThat(first.getModelsList()).extracting(Model::getName).containsExactly("models/another");
    assertThat(second.getModelsList()).extracting(Model::getName).containsExactly(TinyServer.MODEL);
    assertThat(second.getNextPageToken()).isEmpty();
  }

  @Test
  void listsEveryHookPointInOrder() {
    List<HookPoint> points =
        tiny.stub()
            .listHookPoints(ListHookPointsRequest.newBuilder().setModel(TinyServer.MODEL).build())
            .getHookPointsList();
    assertThat(points.get(0).getName()).isEqualTo("hook_embed");
    assertThat(points.get(points.size() - 1).getName()).isEqualTo("unembed.hook_out");
    var byName = points.stream().collect(Collectors.toMap(HookPoint::getName, p -> p));
    assertThat(byName.get("blocks.2.attn.hook_pattern").getAxesList())
        .containsExactly("batch", "head", "query", "key");
    assertThat(byName.get("blocks.2.attn.hook_pattern").getSizesList())
        .containsExactly(0L, 4L, 0L, 0L);
    assertThat(byName.get("blocks.0.attn.hook_result").getOnDemand()).isTrue();
    assertThat(byName.get("blocks.0.hook_resid_pre").getOnDemand()).isFalse();
  }

  @Test
  void tokenizes() {
    List<TokenizedText> texts =
        tiny.stub()
            .tokenize(
                TokenizeRequest.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .addTexts("the \u00e9")
                    .addTexts("")
                    .build())
            .getTextsList();
    assertThat(texts.get(0).getIdsList())
        .containsExactly(TinyServer.BOS, 2, (int) ' ', 192 + 1, 0xA9);
    assertThat(texts.get(0).getTokensList())
        .containsExactly("<|endoftext|>", "the", " ", "\ufffd", "\ufffd");
    assertThat(texts.get(0).getByteEndsList()).containsExactly(0, 3, 4, 5, 6);
    assertThat(texts.get(1).getIdsList()).containsExactly(TinyServer.BOS);
    assertThat(texts).allMatch(TokenizedText::getBosPrepended);
  }

  @Test
  void tokenizesAsPassesDo() {
    String text = "the end<|endoftext|>";
    for (boolean omitBos : new boolean[] {false, true}) {
      for (boolean literal : new boolean[] {false, true}) {
        TokenizedText tokens =
            tiny.stub()
                .tokenize(
                    TokenizeRequest.newBuilder()
                        .setModel(TinyServer.MODEL)
                        .addTexts(text)
                        .setOmitBos(omitBos)
                        .setLiteralSpecialTokens(literal)
                        .build())
                .getTexts(0);
        RowResult row =
            tiny.stub()
                .runForwardPass(
                    RunForwardPassRequest.newBuilder()
                        .setModel(TinyServer.MODEL)
                        .addPrompts(
                            Prompt.newBuilder().setText(text).setLiteralSpecialTokens(literal))
                        .setOmitBos(omitBos)
                        .build())
                .getRows(0);

        assertThat(row.getIdsList()).isEqualTo(tokens.getIdsList());
        assertThat(row.getBosPrepended()).isEqualTo(tokens.getBosPrepended()).isEqualTo(!omitBos);
        int last = tokens.getIds(tokens.getIdsCount() - 1);
        assertThat(last).isEqualTo(literal ? '>' : TinyServer.BOS);
        assertThat(tokens.getByteEnds(tokens.getIdsCount() - 1)).isEqualTo(text.length());
      }
    }
  }

  @Test
  void aRowOfTokenIdsHasNoTokenPutBeforeIt() {
    RowResult row =
        tiny.stub()
            .runForwardPass(
                RunForwardPassRequest.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .addPrompts(TinyServer.prompt(TinyServer.BOS, 'x'))
                    .build())
            .getRows(0);
    assertThat(row.getBosPrepended()).isFalse();
  }

  @Test
  void detokenizesEachAndAllTogether() {
    DetokenizeResponse response =
        tiny.stub()
            .detokenize(
                DetokenizeRequest.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .addAllIds(List.of(3, (int) 'x', 192 + 1, 0xA9, TinyServer.BOS, 0xA9))
                    .build());
    assertThat(response.getTokensList())
        .containsExactly(" the", "x", "\ufffd", "\ufffd", "<|endoftext|>", "\ufffd");
    assertThat(response.getText()).isEqualTo(" thex\u00e9<|endoftext|>\ufffd");
    assertThat(response.getTokenBytesList().get(2))
        .isEqualTo(ByteString.copyFrom(new byte[] {(byte) 0xC3}));
  }
}
