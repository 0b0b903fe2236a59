"""Loupe's API in Python, with no generated code: the server itself says which services and messages it has.

    loupe = Loupe("127.0.0.1:8080")
    pb = loupe.messages("loupe.inference.v1")
    loupe.inference.ListModels(pb.ListModelsRequest())

For stubs with types, generate them from the files under proto/ with grpcio-tools instead.
"""

import array
import math
import sys
import types

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

SERVICES = {
    "inference": "loupe.inference.v1.InferenceService",
    "attribution": "loupe.inference.v1.AttributionService",
    "patching": "loupe.inference.v1.PatchingService",
    "heads": "loupe.inference.v1.HeadService",
    "neurons": "loupe.inference.v1.NeuronService",
    "sae": "loupe.sae.v1.SaeService",
    "operations": "google.longrunning.Operations",
    "features": "loupe.features.v1.FeatureStoreService",
    "gateway": "loupe.gateway.v1.GatewayService",
}


class Loupe:
    """All services behind one gateway, each as an attribute with a function for every call."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(address, [("grpc.max_receive_message_length", 16 << 20)])
        self._pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(self.channel))
        for name, full_name in SERVICES.items():
            setattr(self, name, self._stub(self._pool.FindServiceByName(full_name)))

    def messages(self, package):
        """The message classes and enum values of a package, by name."""
        names, seen = {}, set()
        unread = [self._pool.FindServiceByName(name).file for name in SERVICES.values()]
        while unread:
            file = unread.pop()
            if file.name in seen:
                continue
            seen.add(file.name)
            unread += file.dependencies
            if file.package == package:
                names.update((d.name, message_factory.GetMessageClass(d)) for d in file.message_types_by_name.values())
                for enum in file.enum_types_by_name.values():
                    names.update((value.name, value.number) for value in enum.values)
        return types.SimpleNamespace(**names)

    def _stub(self, service):
        stub = types.SimpleNamespace()
        for method in service.methods:
            kind = ("stream" if method.client_streaming else "unary") + "_" + (
                "stream" if method.server_streaming else "unary"
            )
            call = getattr(self.channel, kind)(
                f"/{service.full_name}/{method.name}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
            )
            setattr(stub, method.name, call)
        return stub


def floats(data):
    """Raw F32 bytes, which are little-endian on the wire, as numbers."""
    values = array.array("f", data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def raw(values):
    """Numbers as raw F32 bytes."""
    values = array.array("f", values)
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def shape(layout):
    """For instance {"batch": 1, "pos": 6, "d_model": 128}."""
    return {axis.name: axis.size for axis in layout.axes}


def norm(values):
    return math.sqrt(sum(v * v for v in values))


class Assembler:
    """Puts the chunks of one array together again."""

    def __init__(self):
        self.layout, self.data = None, bytearray()

    def add(self, chunk):
        """True when the array is whole."""
        if chunk.offset == 0:
            self.layout, self.data = chunk.layout, bytearray()
        self.data += chunk.data
        return len(self.data) == 4 * math.prod(axis.size for axis in self.layout.axes)
