package dev.loupe.sae.grpc;

import dev.loupe.proto.sae.v1.Corpus;
import dev.loupe.proto.sae.v1.CorpusHeader;
import dev.loupe.proto.sae.v1.CorpusRow;
import dev.loupe.proto.sae.v1.CreateCorpusRequest;
import dev.loupe.proto.sae.v1.DeleteCorpusRequest;
import dev.loupe.proto.sae.v1.DeleteCorpusResponse;
import dev.loupe.proto.sae.v1.GetCorpusRequest;
import dev.loupe.proto.sae.v1.ListCorporaRequest;
import dev.loupe.proto.sae.v1.ListCorporaResponse;
import dev.loupe.sae.client.InferenceClient;
import dev.loupe.sae.corpus.CorpusDescription;
import dev.loupe.sae.corpus.CorpusStore;
import dev.loupe.sae.corpus.ModelInfo;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.names.Paging;
import dev.loupe.server.names.ResourcePattern;
import dev.loupe.server.streams.InboundStream;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/** The calls on corpora. */
final class CorpusCalls {
  private final CorpusStore corpora;
  private final InferenceClient inference;
  private final Usage usage;
  private final Paging paging = new Paging(50, 1_000);

  CorpusCalls(CorpusStore corpora, InferenceClient inference, Usage usage) {
    this.corpora = corpora;
    this.inference = inference;
    this.usage = usage;
  }

  Corpus create(InboundStream<CreateCorpusRequest> requests) {
    if (!requests.hasNext()) {
      throw headerMissing("nothing");
    }
    CreateCorpusRequest first = requests.next();
    if (!first.hasHeader()) {
      throw headerMissing(first.getMessageCase());
    }
    CorpusHeader header = first.getHeader();
    String id = ResourcePattern.requireId("header.corpus_id", header.getCorpusId());
    String model = Names.MODEL.parseId("header.model", header.getModel());
    corpora.requireFree(id);
    ModelInfo info = inference.brief().model(model);
    return Messages.of(
        corpora.create(id, info.id(), info.weightsSha256(), new SentRows(requests, info)));
  }

  Corpus get(GetCorpusRequest request) {
    return Messages.of(corpora.describe(Names.CORPUS.parseId("name", request.getName())));
  }

  ListCorporaResponse list(ListCorporaRequest request) {
    int size = paging.size(request.getPageSize());
    String after = paging.place(request, request.getPageToken());
    List<CorpusDescription> rest =
        corpora.list().stream()
            .filter(corpus -> corpus.id().compareTo(after) > 0)
            .limit(size + 1L)
            .toList();
    ListCorporaResponse.Builder response = ListCorporaResponse.newBuilder();
    rest.stream().limit(size).forEach(corpus -> response.addCorpora(Messages.of(corpus)));
    if (rest.size() > size) {
      response.setNextPageToken(paging.token(request, rest.get(size - 1).id()));
    }
    return response.build();
  }

  DeleteCorpusResponse delete(DeleteCorpusRequest request) {
    String id = Names.CORPUS.parseId("name", request.getName());
    return usage.step(
        () -> {
          usage.requireCorpusFree(request.getName());
          corpora.delete(id);
          return DeleteCorpusResponse.getDefaultInstance();
        });
  }

  private static LoupeException headerMissing(Object found) {
    return LoupeException.invalidValue("the first message", found, "a header, then rows");
  }

  /** The rows of a stream of messages, each checked against the model. */
  private static final class SentRows implements Iterator<int[]> {
    private final InboundStream<CreateCorpusRequest> requests;
    private final ModelInfo model;
    private Iterator<CorpusRow> part = List.<CorpusRow>of().iterator();
    private long count;

    SentRows(InboundStream<CreateCorpusRequest> requests, ModelInfo model) {
      this.requests = requests;
      this.model = model;
    }

    @Override
    public boolean hasNext() {
      while (!part.hasNext() && requests.hasNext()) {
        CreateCorpusRequest request = requests.next();
        if (!request.hasRows() || request.getRows().getRowsCount() == 0) {
          throw LoupeException.invalidValue(
              "a message after the header",
              request.hasRows() ? "rows without any row" : request.getMessageCase(),
              "rows, at least one");
        }
        part = request.getRows().getRowsList().iterator();
      }
      return part.hasNext();
    }

    @Override
    public int[] next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      CorpusRow row = part.next();
      String field = "rows[" + count++ + "].ids";
      if (row.getIdsCount() == 0) {
        throw LoupeException.invalid(
            ErrorReason.EMPTY_PROMPT, field, "empty", "1 to " + model.contextSize() + " ids");
      }
      if (row.getIdsCount() > model.contextSize()) {
        throw LoupeException.invalid(
            ErrorReason.PROMPT_TOO_LONG,
            field,
            row.getIdsCount() + " ids long",
            "1 to " + model.contextSize() + " ids, the context size of models/" + model.id());
      }
      int[] ids = new int[row.getIdsCount()];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = row.getIds(i);
        if (ids[i] < 0 || ids[i] >= model.vocabularySize()) {
          throw LoupeException.invalid(
              ErrorReason.TOKEN_OUT_OF_RANGE,
              field + "[" + i + "]",
              ids[i],
              "0 to " + (model.vocabularySize() - 1));
        }
      }
      return ids;
    }
  }
}
