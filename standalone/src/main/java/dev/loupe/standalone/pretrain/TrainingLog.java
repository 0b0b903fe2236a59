package dev.loupe.standalone.pretrain;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.loupe.inference.pretraining.StepReport;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * The training log: one JSON object a line, of two kinds. {@code {"step", "loss", ...}} tells of
 * the steps since the line before it, {@code {"step", "held_out_loss", ...}} what the model knew
 * then.
 */
final class TrainingLog implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final BufferedWriter writer;
  private double seconds;
  private double lossSum;
  private double secondsOfSteps;
  private long tokens;
  private int steps;

  /**
   * One line about steps.
   *
   * @param loss mean over the steps, nats per token
   */
  record Steps(int step, double loss, double learningRate, double tokensPerSecond) {}

  private TrainingLog(BufferedWriter writer, double seconds) {
    this.writer = writer;
    this.seconds = seconds;
  }

  /** Opens a log; a run that goes on keeps its lines and its time so far. */
  static TrainingLog open(Path file, boolean resume) throws IOException {
    double seconds = 0;
    boolean keep = resume && Files.exists(file);
    if (keep) {
      List<String> lines = Files.readAllLines(file);
      for (String line : lines) {
        seconds = JSON.readTree(line).path("seconds").asDouble(seconds);
      }
    }
    StandardOpenOption mode =
        keep ? StandardOpenOption.APPEND : StandardOpenOption.TRUNCATE_EXISTING;
    return new TrainingLog(
        Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, mode),
        seconds);
  }

  /** Wall time spent in steps, over all parts of the run. */
  double seconds() {
    return seconds;
  }

  void step(StepReport report) {
    lossSum += report.loss();
    secondsOfSteps += report.seconds();
    seconds += report.seconds();
    tokens += report.tokens();
    steps++;
  }

  /** Writes a line about the steps since the last such line. */
  Steps writeSteps(StepReport last) throws IOException {
    Steps line =
        new Steps(last.step(), lossSum / steps, last.learningRate(), tokens / secondsOfSteps);
    ObjectNode node = JSON.createObjectNode();
    node.put("step", line.step());
    node.put("loss", line.loss());
    node.put("learning_rate", line.learningRate());
    node.put("gradient_norm", last.gradientNorm());
    node.put("tokens_per_second", line.tokensPerSecond());
    node.put("seconds", seconds);
    write(node);
    lossSum = 0;
    secondsOfSteps = 0;
    tokens = 0;
    steps = 0;
    return line;
  }

  /** Writes a line about what the model knows. */
  void writeProbe(int step, ProbeResult result) throws IOException {
    ObjectNode node = JSON.createObjectNode();
    node.put("step", step);
    node.put("held_out_loss", result.heldOutLoss());
    node.put("states_correct", result.statesCorrect());
    node.put("capital_probability", result.capitalProbability());
    node.put("induction_score", result.inductionScore());
    node.put("previous_token_score", result.previousTokenScore());
    node.put("seconds", seconds);
    write(node);
  }

  private void write(ObjectNode node) throws IOException {
    writer.write(JSON.writeValueAsString(node));
    writer.write('\n');
    writer.flush();
  }

  @Override
  public void close() throws IOException {
    writer.close();
  }
}
