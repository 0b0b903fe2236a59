package dev.loupe.standalone;

import dev.loupe.benchmarks.BenchCommand;
import dev.loupe.server.CommandLines;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.standalone.client.CallFailure;
import dev.loupe.standalone.client.InterruptedCallException;
import dev.loupe.standalone.demo.DemoException;
import dev.loupe.standalone.embedded.StartException;
import dev.loupe.standalone.verify.VerifyCommand;
import dev.loupe.standalone.verify.VerifyException;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code loupe}: a microscope for GPT-2. */
@Command(
    name = "loupe",
    mixinStandardHelpOptions = true,
    versionProvider = BuildVersion.class,
    subcommands = {
      DemoCommand.class,
      UpCommand.class,
      PretrainCommand.class,
      BenchCommand.class,
      VerifyCommand.class,
      CommandLine.HelpCommand.class
    },
    sortOptions = false,
    header = "A microscope for GPT-2, served as gRPC microservices.",
    description = {
      "",
      "Loupe runs a language model with every activation open to reading and editing, trains sparse"
          + " dictionaries on what it reads, keeps the features that they find, and serves all of"
          + " it over gRPC, gRPC-Web and JSON on one port.",
      ""
    },
    commandListHeading = "%nCommands:%n",
    optionListHeading = "%nOptions:%n",
    footerHeading = "%nExamples:%n",
    footer = {
      "  loupe demo                the whole story on the model that ships with Loupe",
      "  loupe demo --model openai-community/gpt2 --corpus my-texts/",
      "                            the same on a model and on texts of your own",
      "  loupe up                  serve only: http://127.0.0.1:8080/",
      "  loupe up --model ./my-model --model fast=openai-community/gpt2#bf16",
      "                            serve models of your own",
      "  loupe verify ./my-model   does the model compute what it should?",
      "  loupe help demo           what a command takes",
      "",
      "A model is a folder with config.json, model.safetensors (or its shards) and tokenizer.json"
          + " (or vocab.json and merges.txt; without either it takes token ids alone), or the id of"
          + " a hub repository that has them. From a hub, only safetensors are loaded: HF_ENDPOINT"
          + " says where the hub is, HF_TOKEN who asks, HF_HOME where files are kept.",
      "Data is kept in LOUPE_HOME (~/.loupe) unless --dir names another folder. The engine's native"
          + " libraries, 432 MB, are unpacked once into DJL_CACHE_DIR (~/.djl.ai; the folder engine"
          + " in LOUPE_HOME when that is set)."
    })
public final class Loupe implements Runnable {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  /** The command line with all its commands, writing where it is told. */
  public static CommandLine commandLine(PrintWriter out, PrintWriter err) {
    return CommandLines.of(new Loupe())
        .setOut(out)
        .setErr(err)
        .setUsageHelpAutoWidth(true)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler(
            (exception, commandLine, result) -> {
              commandLine.getErr().println("loupe: " + explain(exception));
              return CommandLine.ExitCode.SOFTWARE;
            });
  }

  /** Runs a command and ends the process with its exit code. */
  public static void main(String[] args) {
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    System.exit(commandLine(out, err).execute(args));
  }

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }

  private static String explain(Exception exception) throws Exception {
    if (exception instanceof LoupeException
        || exception instanceof StartException
        || exception instanceof DemoException
        || exception instanceof VerifyException
        || exception instanceof InterruptedCallException) {
      return exception.getMessage();
    }
    if (exception instanceof StatusRuntimeException failure) {
      return CallFailure.explain(failure);
    }
    if (exception instanceof IOException) {
      return exception.toString();
    }
    throw exception;
  }
}
