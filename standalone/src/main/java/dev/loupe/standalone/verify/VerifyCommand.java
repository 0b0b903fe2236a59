package dev.loupe.standalone.verify;

import dev.loupe.inference.InferenceConfig;
import dev.loupe.inference.InferenceServer;
import dev.loupe.inference.hub.DownloadProgress;
import dev.loupe.inference.hub.HubException;
import dev.loupe.inference.hub.HubSettings;
import dev.loupe.inference.processing.WeightProcessing;
import dev.loupe.inference.serving.ModelForm;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.server.LogLevel;
import dev.loupe.server.ServerOptions;
import dev.loupe.standalone.client.LoupeClient;
import dev.loupe.standalone.client.ModelInfo;
import dev.loupe.standalone.terminal.Terminal;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code loupe verify}: parity of a model, as a client of the service that runs it. */
@Command(
    name = "verify",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Show that a model computes what others computed from it.",
      "",
      "Without a model, a built-in tiny one is held, hook point by hook point, to what an independent"
          + " float64 implementation computed from it, with its weights as stored and processed. A model"
          + " of your own is held to a file of expected values, or, when it is GPT-2 small, to its"
          + " known likeliest tokens and their logits after five prompts.",
      "",
      "Exit status: 0 when everything agrees, 1 when something does not or cannot be told.",
      ""
    })
public final class VerifyCommand implements Callable<Integer> {
  @Parameters(
      arity = "0..1",
      paramLabel = "MODEL",
      description =
          "A folder or a hub id; with --at, the name of a loaded model (default: the built-in tiny"
              + " one).")
  private String model;

  @Option(
      names = "--golden",
      paramLabel = "FILE",
      description =
          "A safetensors file with \"tokens\" [row, pos] and expected values \"run/HOOK_POINT\";"
              + " \"processed/HOOK_POINT\" after all steps of weight processing.")
  private Path golden;

  @Option(
      names = "--at",
      paramLabel = "HOST:PORT",
      description = "Verify a model that is loaded there, such as 127.0.0.1:8080.")
  private String address;

  @Option(
      names = "--tolerance",
      paramLabel = "SHARE",
      defaultValue = "1e-4",
      description =
          "How far a value may be from the expected one, as a share of the tensor's largest magnitude"
              + " (default: ${DEFAULT-VALUE}).")
  private double tolerance;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the comparisons there too.")
  private Path json;

  @Override
  public Integer call() throws IOException {
    LogLevel.WARN.apply();
    Report report = report();
    report.print(Terminal.system());
    if (json != null) {
      Files.writeString(json, report.json());
    }
    return report.holds() ? 0 : 1;
  }

  private Report report() throws IOException {
    if (model == null && (golden != null || address != null)) {
      throw new VerifyException(
          (golden == null ? "--at" : "--golden") + " needs a MODEL: whose values are they?");
    }
    if (model == null) {
      try (SelfTestModel tiny = new SelfTestModel()) {
        return ofFolder(spec(tiny.folder().toString()), tiny.golden(), tolerance);
      }
    }
    return address == null ? ofFolder(spec(model), golden, tolerance) : ofLoaded();
  }

  /**
   * Loads a model and verifies it.
   *
   * @param golden expected values, or null for what is known of GPT-2 small
   */
  static Report ofFolder(ModelSpec spec, Path golden, double tolerance) throws IOException {
    if (golden == null) {
      try (InferenceServer server = start(List.of(spec));
          LoupeClient client = client(server)) {
        return facts(client, name(spec));
      }
    }
    try (GoldenTensors expected = new GoldenTensors(golden)) {
      List<ModelSpec> specs = new ArrayList<>();
      if (!expected.names(GoldenTensors.RUN).isEmpty()) {
        specs.add(spec);
      }
      if (!expected.names(GoldenTensors.PROCESSED).isEmpty()) {
        ModelForm form = new ModelForm(spec.form().computeType(), WeightProcessing.ALL);
        specs.add(new ModelSpec(spec.id() + "-processed", spec.source(), form));
      }
      try (InferenceServer server = start(specs);
          LoupeClient client = client(server)) {
        List<Check> checks = new ArrayList<>();
        for (ModelSpec each : specs) {
          checks.addAll(new Verification(client).golden(name(each), expected, tolerance));
        }
        return new Report(client.model(name(specs.get(0))).info(), Report.SHARES, checks);
      }
    }
  }

  private Report ofLoaded() throws IOException {
    String name = model.startsWith("models/") ? model : "models/" + model;
    try (LoupeClient client = new LoupeClient(socketAddress())) {
      if (golden == null) {
        return facts(client, name);
      }
      try (GoldenTensors expected = new GoldenTensors(golden)) {
        List<Check> checks = new Verification(client).golden(name, expected, tolerance);
        return new Report(client.model(name).info(), Report.SHARES, checks);
      }
    }
  }

  private static Report facts(LoupeClient client, String name) throws IOException {
    ModelInfo info = client.model(name).info();
    List<Check> checks = new Verification(client).facts(info, KnownFacts.ofGpt2Small());
    return new Report(info, Report.LOGITS, checks);
  }

  private InetSocketAddress socketAddress() {
    int colon = address.lastIndexOf(':');
    try {
      int port = Integer.parseInt(address.substring(colon + 1));
      return new InetSocketAddress(address.substring(0, Math.max(0, colon)), port);
    } catch (IllegalArgumentException e) {
      throw new VerifyException(
          "--at is '" + address + "'; expected HOST:PORT, such as 127.0.0.1:8080");
    }
  }

  private static String name(ModelSpec spec) {
    return "models/" + spec.id();
  }

  private static ModelSpec spec(String model) {
    try {
      return ModelSpec.parse(model);
    } catch (HubException e) {
      throw new VerifyException(e.getMessage());
    }
  }

  private static InferenceServer start(List<ModelSpec> specs) {
    return InferenceServer.start(
        InferenceConfig.of(specs).withHub(HubSettings.of(System.getenv()), DownloadProgress.NONE),
        new ServerOptions(0, -1));
  }

  private static LoupeClient client(InferenceServer server) {
    return new LoupeClient(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()));
  }
}
