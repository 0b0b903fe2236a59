package dev.loupe.inference.grpc.heads;

import dev.loupe.inference.analysis.Head;
import dev.loupe.proto.inference.v1.HeadScore;
import java.util.List;
import java.util.stream.IntStream;

/** Scores of heads as messages. */
final class HeadMessages {
  private HeadMessages() {}

  static List<HeadScore> scores(List<Head> heads, double[] scores) {
    return IntStream.range(0, scores.length)
        .mapToObj(
            i ->
                HeadScore.newBuilder()
                    .setLayer(heads.get(i).layer())
                    .setHead(heads.get(i).index())
                    .setScore((float) scores[i])
                    .build())
        .toList();
  }
}
