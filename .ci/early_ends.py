"""Asks, over and over, whether a Python client gets the status of a call that the server ends first.

    python early_ends.py HOST:PORT

Needs examples/python on the PYTHONPATH. The client never ends its side of a call, as one does not that still has
something to send. Exits with 1 if any call ends otherwise than it should.
"""

import collections
import datetime
import operator
import queue
import sys

import grpc
from loupe_client import Loupe

TIMES = 40


class Open:
    """Requests that begin with these and have no end."""

    def __init__(self, *requests):
        self._queue = queue.SimpleQueue()
        for request in requests:
            self._queue.put(request)

    def close(self):
        self._queue.put(None)

    def __iter__(self):
        return self

    def __next__(self):
        request = self._queue.get()
        if request is None:
            raise StopIteration
        return request


def cases(loupe):
    """The code that each call must end with, its name below the client, and its requests."""
    pb, sae = loupe.messages("loupe.inference.v1"), loupe.messages("loupe.sae.v1")
    model = loupe.inference.ListModels(pb.ListModelsRequest()).models[0].name
    one = pb.RunForwardPassRequest(model=model, prompts=[pb.Prompt(tokens=pb.TokenRow(ids=[1, 2]))])

    def hooks(point, **more):
        header = pb.RunWithHooksHeader(forward_pass=one, hook_points=[point], **more)
        return [pb.RunWithHooksRequest(header=header)]

    point = "blocks.0.hook_resid_pre"
    soon = datetime.timedelta(milliseconds=20)
    nope = pb.StreamActivationsHeader(model="models/nope", captures=[pb.Capture(hook_point=point)])
    scan = pb.ScanNeuronsHeader(model="models/nope")
    linear = pb.LinearAttributionHeader(model="models/nope")
    dictionary = sae.DictionaryHeader(dictionary="dictionaries/nope")
    corpus = sae.CorpusHeader(corpus_id="Not An Id", model=model)
    return [
        ("INVALID_ARGUMENT", "inference.RunWithHooks", hooks("nope")),
        ("DEADLINE_EXCEEDED", "inference.RunWithHooks", hooks(point, hook_deadline=soon)),
        ("OK", "inference.RunWithHooks", hooks(point) + [pb.RunWithHooksRequest(keep=pb.KeepActivation())]),
        ("NOT_FOUND", "inference.StreamActivations", [pb.StreamActivationsRequest(header=nope)]),
        ("NOT_FOUND", "neurons.ScanNeurons", [pb.ScanNeuronsRequest(header=scan)]),
        ("NOT_FOUND", "attribution.StreamLinearAttributions", [pb.StreamLinearAttributionsRequest(header=linear)]),
        ("NOT_FOUND", "sae.EncodeActivations", [sae.EncodeActivationsRequest(header=dictionary)]),
        ("NOT_FOUND", "sae.DecodeFeatures", [sae.DecodeFeaturesRequest(header=dictionary)]),
        ("INVALID_ARGUMENT", "sae.CreateCorpus", [sae.CreateCorpusRequest(header=corpus)]),
    ]


def code(call, requests):
    stream = Open(*requests)
    try:
        answer = call(stream, timeout=60)
        if hasattr(answer, "__iter__"):
            for _ in answer:
                pass
        return "OK"
    except grpc.RpcError as error:
        return error.code().name
    finally:
        stream.close()


def main(address):
    wrong = 0
    loupe = Loupe(address)
    for expected, name, requests in cases(loupe):
        call = operator.attrgetter(name)(loupe)
        codes = collections.Counter(code(call, requests) for _ in range(TIMES))
        print(f"{name}: {dict(codes)}, should be {expected}")
        wrong += TIMES - codes[expected]
    print(f"{wrong} calls ended otherwise than they should")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
