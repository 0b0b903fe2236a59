package dev.loupe.inference.grpc;

import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.ModelMessages;
import dev.loupe.inference.serving.ModelRegistry;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.ListHookPointsRequest;
import dev.loupe.proto.inference.v1.ListHookPointsResponse;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.ListModelsResponse;
import dev.loupe.proto.inference.v1.Model;
import dev.loupe.server.names.Paging;
import java.util.List;

/** ListModels, GetModel, ListHookPoints. */
final class Models {
  private final ModelRegistry registry;
  private final ModelLookup models;
  private final Paging paging = new Paging(50, 100);

  Models(ModelRegistry registry, ModelLookup models) {
    this.registry = registry;
    this.models = models;
  }

  ListModelsResponse list(ListModelsRequest request) {
    int size = paging.size(request.getPageSize());
    String after = paging.place(request, request.getPageToken());
    List<ServedModel> rest =
        registry.all().stream().filter(model -> model.id().compareTo(after) > 0).toList();
    ListModelsResponse.Builder response = ListModelsResponse.newBuilder();
    rest.stream().limit(size).forEach(model -> response.addModels(ModelMessages.model(model)));
    if (rest.size() > size) {
      response.setNextPageToken(paging.token(request, rest.get(size - 1).id()));
    }
    return response.build();
  }

  Model get(GetModelRequest request) {
    return ModelMessages.model(models.described("name", request.getName()));
  }

  ListHookPointsResponse hookPoints(ListHookPointsRequest request) {
    ServedModel model = models.described("model", request.getModel());
    ListHookPointsResponse.Builder response = ListHookPointsResponse.newBuilder();
    model
        .hookPoints()
        .all()
        .forEach(point -> response.addHookPoints(ModelMessages.hookPoint(point, model)));
    return response.build();
  }
}
