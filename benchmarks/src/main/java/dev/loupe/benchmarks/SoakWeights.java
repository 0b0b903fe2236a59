package dev.loupe.benchmarks;

import dev.loupe.proto.inference.v1.CompositionKind;
import dev.loupe.proto.inference.v1.ComputeNeuronEffectsRequest;
import dev.loupe.proto.inference.v1.ComputeSingularDirectionsRequest;
import dev.loupe.proto.inference.v1.EmbeddingTable;
import dev.loupe.proto.inference.v1.EmbeddingTerm;
import dev.loupe.proto.inference.v1.FindNearestTokensRequest;
import dev.loupe.proto.inference.v1.HeadCircuit;
import dev.loupe.proto.inference.v1.HeadErrorMeasure;
import dev.loupe.proto.inference.v1.HeadPattern;
import dev.loupe.proto.inference.v1.HeadServiceGrpc;
import dev.loupe.proto.inference.v1.NeuronServiceGrpc;
import dev.loupe.proto.inference.v1.ProjectToVocabularyRequest;
import dev.loupe.proto.inference.v1.RandomRepeats;
import dev.loupe.proto.inference.v1.ScoreCompositionRequest;
import dev.loupe.proto.inference.v1.ScoreCopyingRequest;
import dev.loupe.proto.inference.v1.ScoreHeadsRequest;
import dev.loupe.proto.inference.v1.Similarity;
import dev.loupe.proto.inference.v1.WeightMatrix;
import io.grpc.Channel;
import java.util.Random;

/** The requests of a soak that ask about heads, neurons and embeddings. */
final class SoakWeights {
  private final SoakRequests requests;
  private final HeadServiceGrpc.HeadServiceBlockingStub heads;
  private final NeuronServiceGrpc.NeuronServiceBlockingStub neurons;

  SoakWeights(Channel channel, SoakRequests requests) {
    this.requests = requests;
    this.heads = HeadServiceGrpc.newBlockingStub(channel);
    this.neurons = NeuronServiceGrpc.newBlockingStub(channel);
  }

  void headScores(Random random) {
    ScoreHeadsRequest.Builder request =
        ScoreHeadsRequest.newBuilder()
            .setModel(requests.model())
            .setErrorMeasure(HeadErrorMeasure.forNumber(random.nextInt(3)));
    if (random.nextBoolean()) {
      request
          .setPattern(HeadPattern.forNumber(1 + random.nextInt(3)))
          .setExcludeBos(random.nextBoolean())
          .setPerPrompt(true)
          .addPrompts(requests.prompt(random))
          .addPrompts(requests.prompt(random));
    } else {
      request
          .setPattern(HeadPattern.HEAD_PATTERN_REPEATED_RANDOM)
          .clearErrorMeasure()
          .setRandomRepeats(
              RandomRepeats.newBuilder().setLength(4).setSequences(2).setSeed(random.nextLong()));
    }
    heads.scoreHeads(request.build());
  }

  void composition(Random random) {
    heads
        .scoreComposition(
            ScoreCompositionRequest.newBuilder()
                .setModel(requests.model())
                .setKind(CompositionKind.forNumber(1 + random.nextInt(3)))
                .build())
        .forEachRemaining(chunk -> {});
  }

  void copying(Random random) {
    heads.scoreCopying(
        ScoreCopyingRequest.newBuilder()
            .setModel(requests.model())
            .setCircuit(HeadCircuit.forNumber(1 + random.nextInt(4)))
            .build());
  }

  void singularDirections(Random random) {
    heads.computeSingularDirections(
        ComputeSingularDirectionsRequest.newBuilder()
            .setModel(requests.model())
            .setMatrix(WeightMatrix.forNumber(1 + random.nextInt(4)))
            .setLayer(requests.layer(random))
            .setCount(3)
            .setTopK(3)
            .build());
  }

  void neuronEffects(Random random) {
    neurons.computeNeuronEffects(
        ComputeNeuronEffectsRequest.newBuilder()
            .setModel(requests.model())
            .setLayer(requests.layer(random))
            .addNeurons(random.nextInt(requests.config().dMlp()))
            .setTopK(3)
            .build());
  }

  void projection(Random random) {
    neurons.projectToVocabulary(
        ProjectToVocabularyRequest.newBuilder()
            .setModel(requests.model())
            .setTopK(3)
            .setDirections(requests.vectors(random, "row", 1 + random.nextInt(3)))
            .setThroughFinalNorm(random.nextBoolean())
            .build());
  }

  void nearestTokens(Random random) {
    neurons.findNearestTokens(
        FindNearestTokensRequest.newBuilder()
            .setModel(requests.model())
            .addTerms(EmbeddingTerm.newBuilder().setToken(requests.token(random)))
            .addTerms(EmbeddingTerm.newBuilder().setToken(requests.token(random)).setWeight(-0.5f))
            .setTable(EmbeddingTable.forNumber(random.nextInt(3)))
            .setSimilarity(Similarity.forNumber(random.nextInt(3)))
            .build());
  }
}
