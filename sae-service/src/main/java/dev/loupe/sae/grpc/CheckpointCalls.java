package dev.loupe.sae.grpc;

import dev.loupe.proto.sae.v1.Checkpoint;
import dev.loupe.proto.sae.v1.DeleteCheckpointRequest;
import dev.loupe.proto.sae.v1.DeleteCheckpointResponse;
import dev.loupe.proto.sae.v1.ListCheckpointsRequest;
import dev.loupe.proto.sae.v1.ListCheckpointsResponse;
import dev.loupe.sae.training.CheckpointDescription;
import dev.loupe.sae.training.CheckpointStore;
import dev.loupe.server.names.Paging;
import java.util.List;

/** The calls on checkpoints of training that has not ended. */
final class CheckpointCalls {
  private final CheckpointStore checkpoints;
  private final Usage usage;
  private final Paging paging = new Paging(50, 1_000);

  CheckpointCalls(CheckpointStore checkpoints, Usage usage) {
    this.checkpoints = checkpoints;
    this.usage = usage;
  }

  ListCheckpointsResponse list(ListCheckpointsRequest request) {
    int size = paging.size(request.getPageSize());
    String after = paging.place(request, request.getPageToken());
    List<CheckpointDescription> rest =
        checkpoints.list().stream()
            .filter(checkpoint -> checkpoint.dictionary().compareTo(after) > 0)
            .limit(size + 1L)
            .toList();
    ListCheckpointsResponse.Builder response = ListCheckpointsResponse.newBuilder();
    rest.stream().limit(size).forEach(checkpoint -> response.addCheckpoints(message(checkpoint)));
    if (rest.size() > size) {
      response.setNextPageToken(paging.token(request, rest.get(size - 1).dictionary()));
    }
    return response.build();
  }

  DeleteCheckpointResponse delete(DeleteCheckpointRequest request) {
    String id = Names.CHECKPOINT.parseId("name", request.getName());
    return usage.step(
        () -> {
          usage.requireDictionaryFree(Names.DICTIONARY.format(id));
          checkpoints.delete(id);
          return DeleteCheckpointResponse.getDefaultInstance();
        });
  }

  private static Checkpoint message(CheckpointDescription checkpoint) {
    return Checkpoint.newBuilder()
        .setName(Names.CHECKPOINT.format(checkpoint.dictionary()))
        .setDictionary(Names.DICTIONARY.format(checkpoint.dictionary()))
        .setModel(Names.MODEL.format(checkpoint.model()))
        .setHookPoint(checkpoint.hookPoint())
        .setCorpus(Names.CORPUS.format(checkpoint.corpus()))
        .setDSae(checkpoint.dSae())
        .setStep(checkpoint.step())
        .setTotalSteps(checkpoint.totalSteps())
        .setBytes(checkpoint.bytes())
        .setUpdateTime(Messages.timestamp(checkpoint.written()))
        .build();
  }
}
