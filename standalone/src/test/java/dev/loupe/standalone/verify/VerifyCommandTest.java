package dev.loupe.standalone.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.loupe.inference.InferenceConfig;
import dev.loupe.inference.InferenceServer;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.standalone.Loupe;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.SafetensorsFile;
import dev.loupe.tensor.SafetensorsWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real services, real models: what is right passes, and what is wrong is found and named. */
class VerifyCommandTest {
  private static final double TOLERANCE = 1e-4;

  @TempDir private Path folder;
  private final StringWriter err = new StringWriter();
  private SelfTestModel tiny;

  @BeforeEach
  void write() throws IOException {
    tiny = new SelfTestModel();
  }

  @AfterEach
  void delete() throws IOException {
    tiny.close();
  }

  private int verify(String... arguments) {
    String[] line = new String[arguments.length + 1];
    line[0] = "verify";
    System.arraycopy(arguments, 0, line, 1, arguments.length);
    return Loupe.commandLine(new PrintWriter(new StringWriter(), true), new PrintWriter(err, true))
        .execute(line);
  }

  private static ModelSpec spec(Path model) {
    return ModelSpec.parse(model.toString());
  }

  /** Adds to one weight of the model, in place. */
  private void alter(String tensor, int index, float by) throws IOException {
    Path weights = tiny.folder().resolve("model.safetensors");
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    try (SafetensorsFile file = SafetensorsFile.open(weights)) {
      for (String name : file.names()) {
        float[] values = file.read(name).toFloats();
        if (name.equals(tensor)) {
          values[index] += by;
        }
        tensors.put(name, HostTensor.ofFloats(values, file.shape(name)));
      }
    }
    Path altered = folder.resolve("altered.safetensors");
    SafetensorsWriter.write(altered, tensors, Map.of());
    Files.delete(weights);
    Files.copy(altered, weights);
  }

  @Test
  void theBuiltInModelAgreesAtEveryHookPoint() throws IOException {
    Path json = folder.resolve("report.json");

    assertThat(verify("--json", json.toString())).as(err.toString()).isZero();

    JsonNode report = new ObjectMapper().readTree(json.toFile());
    assertThat(report.get("holds").booleanValue()).isTrue();
    assertThat(report.get("checks")).hasSize(122);
    assertThat(report.get("checks")).allMatch(check -> check.get("error").doubleValue() < 1e-4);
    assertThat(report.get("checks"))
        .anyMatch(check -> check.get("error").doubleValue() > 0)
        .anyMatch(check -> check.get("group").textValue().equals("processed"));
  }

  @Test
  void oneAlteredWeightIsFoundWhereItActsFirst() throws IOException {
    alter("h.1.mlp.c_fc.weight", 40, 0.05f);

    Report report = VerifyCommand.ofFolder(spec(tiny.folder()), tiny.golden(), TOLERANCE);

    assertThat(report.holds()).isFalse();
    assertThat(report.checks())
        .filteredOn(check -> check.name().startsWith("blocks.0.") && check.group().equals("run"))
        .isNotEmpty()
        .allMatch(Check::holds);
    assertThat(report.summary())
        .startsWith("MISMATCH: ")
        .contains("of 122 comparisons do not hold. The first is blocks.1.mlp.hook_pre of \"run\"")
        .contains("the tolerance 1.0e-04");
    assertThat(report.json()).contains("\"holds\" : false");
    assertThat(verify(tiny.folder().toString(), "--golden", tiny.golden().toString())).isEqualTo(1);
    assertThat(
            verify(
                tiny.folder().toString(),
                "--golden",
                tiny.golden().toString(),
                "--tolerance",
                "0.5"))
        .isZero();
  }

  @Test
  void aModelThatIsLoadedElsewhere() throws IOException {
    ModelSpec raw = spec(tiny.folder());
    ModelSpec processed = ModelSpec.parse("processed=" + tiny.folder() + "#all");
    ModelSpec folded = ModelSpec.parse("folded=" + tiny.folder() + "#fold_ln");
    try (InferenceServer server =
        InferenceServer.start(InferenceConfig.of(List.of(raw, processed, folded)))) {
      String golden = tiny.golden().toString();

      assertThat(verify("gpt2-tiny", "--at", server.target(), "--golden", golden)).isZero();
      assertThat(verify("models/processed", "--at", server.target(), "--golden", golden)).isZero();

      assertThat(verify("folded", "--at", server.target(), "--golden", golden)).isEqualTo(1);
      assertThat(err.toString()).contains("models/folded has 1 of the 4 steps");
      assertThat(verify("absent", "--at", server.target())).isEqualTo(1);
      assertThat(err.toString()).contains("models/absent").doesNotContain("Exception");
      assertThat(verify("gpt2-tiny", "--at", "nowhere")).isEqualTo(1);
      assertThat(err.toString()).contains("expected HOST:PORT");
    }
  }

  @Test
  void whatCannotBeToldIsSaid() throws IOException {
    assertThat(verify(tiny.folder().toString())).isEqualTo(1);
    assertThat(err.toString())
        .contains("GPT-2 small, of 12 layers", "models/gpt2-tiny has 3, 32 and 211", "--golden");

    assertThat(verify("--golden", tiny.golden().toString())).isEqualTo(1);
    assertThat(err.toString()).contains("--golden needs a MODEL");

    Path empty = folder.resolve("empty.safetensors");
    SafetensorsWriter.write(
        empty, Map.of("tokens", HostTensor.ofLongs(new long[2], 1, 2)), Map.of());
    assertThatThrownBy(() -> VerifyCommand.ofFolder(spec(tiny.folder()), empty, TOLERANCE))
        .isInstanceOf(VerifyException.class)
        .hasMessageContaining("run/HOOK_POINT");

    assertThat(verify(folder.resolve("nowhere").toString())).isEqualTo(1);
    assertThat(err.toString()).contains("nowhere").doesNotContain("Exception");
  }
}
