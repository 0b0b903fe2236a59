"""Looks into a model: tokens, predictions, activations, and a continuation with part of the model off.

    python analyze.py [HOST:PORT] [PROMPT]
"""

import sys

import grpc
from loupe_client import Loupe, floats, norm, shape


def main(address="127.0.0.1:8080", prompt="The capital of Texas is"):
    loupe = Loupe(address)
    pb = loupe.messages("loupe.inference.v1")
    model = loupe.inference.ListModels(pb.ListModelsRequest()).models[0]
    print(f"{model.name}: {model.layers} layers, {model.heads} heads, {model.parameters:,} parameters")

    # Text to tokens.
    request = pb.TokenizeRequest(model=model.name, texts=[prompt])
    tokens = loupe.inference.Tokenize(request).texts[0]
    print("tokens:", list(zip(tokens.ids, tokens.tokens)))

    # One pass: the likeliest next tokens, and the residual stream after every block.
    answer = loupe.inference.RunForwardPass(
        pb.RunForwardPassRequest(
            model=model.name,
            prompts=[pb.Prompt(text=prompt)],
            top_k=5,
            captures=[pb.Capture(hook_point="blocks.*.hook_resid_post")],
        )
    )
    for score in answer.rows[0].predictions[0].top:
        print(f"  {score.token!r:16} {score.probability:7.2%}")
    for activation in answer.activations:
        sizes = shape(activation.value.layout)
        values = floats(activation.value.data)
        last = values[-sizes["d_model"]:]
        print(f"{activation.hook_point} {sizes}: norm at the last token {norm(last):.2f}")

    # A continuation as the model would have it, and one with an MLP switched off at every token.
    edit = pb.Intervention(hook_point=f"blocks.{model.layers // 2}.hook_mlp_out", zero=pb.Zero())
    for name, edits in (("as it is", []), ("without " + edit.hook_point, [edit])):
        request = pb.GenerateTextRequest(
            model=model.name, prompts=[pb.Prompt(text=prompt)], max_new_tokens=12, interventions=edits
        )
        steps = loupe.inference.GenerateText(request)
        print(f"{name}: {prompt}{''.join(step.text for step in steps)}")

    # Errors say what is wrong, and what would be right.
    try:
        misspelt = pb.Capture(hook_point="blocks.0.hook_resid_pots")
        loupe.inference.RunForwardPass(
            pb.RunForwardPassRequest(model=model.name, prompts=[pb.Prompt(text=prompt)], captures=[misspelt])
        )
    except grpc.RpcError as error:
        print(f"{error.code().name}: {error.details()}")

    show_features(loupe, model, prompt)


def show_features(loupe, model, prompt):
    """The features of a dictionary that fire on the prompt, with what they are said to mean."""
    sae = loupe.messages("loupe.sae.v1")
    dictionaries = loupe.sae.ListDictionaries(sae.ListDictionariesRequest()).dictionaries
    mine = [d for d in dictionaries if d.model == model.name]
    if not mine:
        print("no dictionary has been trained for this model yet: ./loupe demo trains one,")
        print("for your own model with --model and --corpus")
        return
    pb = loupe.messages("loupe.gateway.v1")
    answer = loupe.gateway.AnalyzePrompt(
        pb.AnalyzePromptRequest(model=model.name, dictionary=mine[0].name, prompt=prompt, top_features=2)
    )
    for token in answer.tokens:
        features = [
            f"{feature.name.rsplit('/', 1)[1]} ({feature.labels[0].text if feature.labels else 'no label'}) "
            f"{feature.activation:.2f}"
            for feature in token.features
        ]
        print(f"{token.token!r:16}", ", ".join(features))


if __name__ == "__main__":
    main(*sys.argv[1:])
