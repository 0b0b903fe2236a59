"""Looks into a model with generated stubs: python look.py [HOST:PORT] [PROMPT], after ./generate.sh."""

import pathlib
import sys

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).parent / "gen"))
from loupe.inference.v1 import hooks_pb2, inference_pb2 as pb, inference_pb2_grpc, prompts_pb2  # noqa: E402

address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8080"
prompt = prompts_pb2.Prompt(text=sys.argv[2] if len(sys.argv) > 2 else "The capital of Texas is")

with grpc.insecure_channel(address) as channel:
    inference = inference_pb2_grpc.InferenceServiceStub(channel)
    model = inference.ListModels(pb.ListModelsRequest()).models[0]
    print(f"{model.name}: {model.layers} layers")
    answer = inference.RunForwardPass(
        pb.RunForwardPassRequest(
            model=model.name,
            prompts=[prompt],
            top_k=3,
            captures=[hooks_pb2.Capture(hook_point="blocks.0.hook_resid_post", positions=[-1])],
        )
    )
    for score in answer.rows[0].predictions[0].top:
        print(f"  {score.token!r} {score.probability:.1%}")
    print(f"{answer.activations[0].hook_point}: {len(answer.activations[0].value.data)} bytes")
    steps = inference.GenerateText(
        pb.GenerateTextRequest(model=model.name, prompts=[prompt], max_new_tokens=8)
    )
    print("continued:", prompt.text + "".join(step.text for step in steps))
