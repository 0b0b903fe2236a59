"""Streams activations of many batches, and takes part in a forward pass from here.

    python stream.py [HOST:PORT]
"""

import queue
import sys

from loupe_client import Assembler, Loupe, floats, raw, shape

TEXTS = ["The capital of Texas is", "The Eiffel Tower is in Paris.", "def add(a, b):", "Water is wet"]
CHUNK = 1 << 20


def stream_activations(loupe, pb, model, hook_point):
    """Sends each text as a batch of its own; the server answers in the same order."""
    request = pb.TokenizeRequest(model=model.name, texts=TEXTS)
    rows = [text.ids for text in loupe.inference.Tokenize(request).texts]

    def requests():
        header = pb.StreamActivationsHeader(model=model.name, captures=[pb.Capture(hook_point=hook_point)])
        yield pb.StreamActivationsRequest(header=header)
        for number, ids in enumerate(rows):
            batch = pb.TokenBatch(batch_id=number, rows=[pb.TokenRow(ids=ids)])
            yield pb.StreamActivationsRequest(batch=batch)

    activation = Assembler()
    for response in loupe.inference.StreamActivations(requests()):
        if response.HasField("chunk"):
            activation.add(response.chunk.chunk)
        else:
            values = floats(activation.data)
            print(
                f"batch {response.batch_id}: {response.done.tokens} tokens, "
                f"{shape(activation.layout)}, mean {sum(values) / len(values):+.4f}"
            )


def run_with_hook(loupe, pb, model, prompt, hook_point, change):
    """One forward pass that stops at a hook point and goes on with what `change` makes of the activation."""
    requests = queue.SimpleQueue()
    forward = pb.RunForwardPassRequest(model=model.name, prompts=[pb.Prompt(text=prompt)], top_k=3)
    header = pb.RunWithHooksHeader(forward_pass=forward, hook_points=[hook_point])
    requests.put(pb.RunWithHooksRequest(header=header))

    activation = Assembler()
    for response in loupe.inference.RunWithHooks(iter(requests.get, None)):
        if response.HasField("result"):
            requests.put(None)  # ends our side of the stream
            return response.result.rows[0].predictions[0].top
        if activation.add(response.activation.chunk):
            changed = change(floats(activation.data))
            for answer in answers(loupe, pb, activation.layout, changed):
                requests.put(answer)


def answers(loupe, pb, layout, values):
    """What to go on with: the activation as it is, or other values in chunks of at most 1 MiB."""
    if values is None:
        yield pb.RunWithHooksRequest(keep=pb.KeepActivation())
        return
    chunk_class = loupe.messages("loupe.tensor.v1").TensorChunk
    data = raw(values)
    for offset in range(0, len(data), CHUNK):
        first = layout if offset == 0 else None
        chunk = chunk_class(layout=first, offset=offset, data=data[offset:offset + CHUNK])
        yield pb.RunWithHooksRequest(replacement=chunk)


def main(address="127.0.0.1:8080"):
    loupe = Loupe(address)
    pb = loupe.messages("loupe.inference.v1")
    model = loupe.inference.ListModels(pb.ListModelsRequest()).models[0]
    hook_point = f"blocks.{model.layers // 2}.hook_resid_post"
    stream_activations(loupe, pb, model, hook_point)

    changes = {
        "kept": lambda values: None,
        "the same": lambda values: values,
        "negated": lambda values: [-value for value in values],
    }
    for name, change in changes.items():
        top = run_with_hook(loupe, pb, model, TEXTS[0], hook_point, change)
        print(f"{hook_point} {name}:", [(score.token, round(score.probability, 4)) for score in top])


if __name__ == "__main__":
    main(*sys.argv[1:])
