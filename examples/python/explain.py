"""Explains a prediction: gradients, patching, linear attribution, heads, neurons and embeddings.

    python explain.py [HOST:PORT]
"""

import sys

from loupe_client import Assembler, Loupe, floats, norm, raw, shape

CLEAN, CORRUPT = "The capital of Texas is", "The capital of Ohio is"


class Explorer:
    """One model, seen through every service that explains."""

    def __init__(self, address):
        self.loupe = Loupe(address)
        self.pb = self.loupe.messages("loupe.inference.v1")
        self.tensors = self.loupe.messages("loupe.tensor.v1")
        self.model = self.loupe.inference.ListModels(self.pb.ListModelsRequest()).models[0]
        self.answers = [self.best(text) for text in (CLEAN, CORRUPT)]
        right, wrong = (answer.id for answer in self.answers)
        self.metric = self.pb.Metric(
            logit_difference=self.pb.LogitDifferenceMetric(position=-1, token=right, incorrect_token=wrong)
        )

    def prompt(self, text):
        return self.pb.Prompt(text=text)

    def best(self, text, **options):
        """The likeliest next token."""
        request = self.pb.RunForwardPassRequest(
            model=self.model.name, prompts=[self.prompt(text)], top_k=1, **options
        )
        return self.loupe.inference.RunForwardPass(request).rows[0].predictions[0].top[0]

    def tensor(self, rows, *axes):
        """Rows of floats as a message."""
        sizes = [len(rows), len(rows[0])]
        layout = self.tensors.TensorLayout(
            dtype=self.tensors.DTYPE_F32,
            axes=[self.tensors.Axis(name=name, size=size) for name, size in zip(axes, sizes)],
        )
        return self.tensors.Tensor(layout=layout, data=raw([value for row in rows for value in row]))

    def gradients(self):
        """How much each position of the first residual stream matters."""
        pb = self.pb
        lengths = pb.Capture(hook_point="blocks.0.hook_resid_pre", reductions=[pb.Reduction(norm=pb.Norm())])
        request = pb.ComputeGradientsRequest(
            model=self.model.name, prompts=[self.prompt(CLEAN)], metric=self.metric, gradients=[lengths]
        )
        gradient = Assembler()
        for response in self.loupe.attribution.ComputeGradients(request):
            if response.HasField("run"):
                row = response.run.rows[0]
            elif response.HasField("gradient"):
                gradient.add(response.gradient.chunk)
        print(f"gradient of {row.metric:.3f}:", list(zip(row.tokens, [round(v, 3) for v in floats(gradient.data)])))

    def attribution_patching(self):
        """What patching each layer's attention from the clean run would do, estimated from one gradient."""
        request = self.pb.PatchByAttributionRequest(
            model=self.model.name, clean=self.prompt(CLEAN), corrupt=self.prompt(CORRUPT), metric=self.metric,
            hook_points=["blocks.*.hook_attn_out"],
        )
        answer = self.loupe.attribution.PatchByAttribution(request)
        print(f"attribution patching, {answer.corrupt_metric:.3f} to {answer.clean_metric:.3f}:")
        for effect in answer.effects:
            print(f"  {effect.hook_point}: {sum(floats(effect.value.data)):+.3f}")

    def sweep(self):
        """The same for residual streams, measured."""
        pb = self.pb
        request = pb.SweepPatchesRequest(
            model=self.model.name, clean=self.prompt(CLEAN), corrupt=self.prompt(CORRUPT), metric=self.metric,
            activation=pb.PATCHED_ACTIVATION_RESID_PRE, spread=pb.PATCH_SPREAD_BY_POSITION,
        )
        cells = []
        for response in self.loupe.patching.SweepPatches(request):
            if response.HasField("run"):
                run = response.run
            else:
                cells += response.cells.cells
        strongest = max(cells, key=lambda cell: abs(cell.metric - run.corrupt.metric))
        print(
            f"sweep of {len(cells)} of {run.total_cells} cells: {run.corrupt.metric:.3f} becomes "
            f"{strongest.metric:.3f} at layer {strongest.layer}, {run.corrupt.tokens[strongest.position]!r}"
        )

    def linear_attribution(self):
        """What the answer's logit reads from each embedding, with patterns and scales frozen."""
        pb = self.pb
        direction = [1.0 if i == 0 else 0.0 for i in range(self.model.d_model)]
        header = pb.LinearAttributionHeader(
            model=self.model.name, prompt=self.prompt(CLEAN), sources=[pb.Capture(hook_point="hook_embed")]
        )
        targets = pb.AttributionTargets(
            batch_id=1, places=[pb.TargetPlace(hook_point="unembed.hook_in", position=-1)],
            vectors=self.tensor([direction], "target", "d_model"),
        )
        requests = [pb.StreamLinearAttributionsRequest(header=header), pb.StreamLinearAttributionsRequest(targets=targets)]
        cotangents = Assembler()
        for response in self.loupe.attribution.StreamLinearAttributions(iter(requests)):
            if response.HasField("chunk"):
                cotangents.add(response.chunk.chunk)
            elif response.HasField("done"):
                print(f"linear attribution of {response.done.targets} target: {shape(cotangents.layout)}, "
                      f"length {norm(floats(cotangents.data)):.3f}")

    def cache_and_patch(self):
        """Keeps the clean run's activations on the server, and puts one into the corrupt run."""
        pb = self.pb
        hook_point = f"blocks.{self.model.layers // 2}.hook_resid_pre"
        kept = self.loupe.inference.RunForwardPass(pb.RunForwardPassRequest(
            model=self.model.name, prompts=[self.prompt(CLEAN)],
            captures=[pb.Capture(hook_point=hook_point)], keep=pb.KeepCaptures(),
        )).cache
        patch = pb.Intervention(
            hook_point=hook_point, patch=pb.Patch(cached=pb.CachedValue(cache=kept.name, row=0))
        )
        patched = self.best(CORRUPT, interventions=[patch])
        print(f"patched from {kept.bytes} kept bytes: {CORRUPT!r} goes on with {patched.token!r}, "
              f"else with {self.answers[1].token!r}")
        self.loupe.inference.DeleteActivationCache(pb.DeleteActivationCacheRequest(name=kept.name))

    def heads(self):
        """Which later heads read which earlier ones, and which heads copy."""
        pb = self.pb
        scores = Assembler()
        for response in self.loupe.heads.ScoreComposition(
            pb.ScoreCompositionRequest(model=self.model.name, kind=pb.COMPOSITION_KIND_K)
        ):
            scores.add(response.chunk)
        values = floats(scores.data)
        sizes = shape(scores.layout)
        print(f"K-composition {sizes}: at most {max(values):.3f}")
        copying = self.loupe.heads.ScoreCopying(
            pb.ScoreCopyingRequest(model=self.model.name, circuit=pb.HEAD_CIRCUIT_OV)
        ).scores
        most = max(copying, key=lambda score: score.score)
        print(f"head {most.layer}.{most.head} copies most: {most.score:.3f}")

    def neurons(self):
        """The strongest examples of two neurons, and the tokens that they promote."""
        pb = self.pb
        texts = [CLEAN, CORRUPT, "The capital of France is"]
        request = pb.TokenizeRequest(model=self.model.name, texts=texts)
        rows = [pb.TokenRow(ids=text.ids) for text in self.loupe.inference.Tokenize(request).texts]
        layer = self.model.layers - 1
        group = pb.NeuronGroup(hook_point=f"blocks.{layer}.mlp.hook_post", indices=[0, 1])
        header = pb.ScanNeuronsHeader(
            model=self.model.name, neurons=[group], top_k=1, tokens_before=3, skip_first=True
        )
        requests = [
            pb.ScanNeuronsRequest(header=header),
            pb.ScanNeuronsRequest(batch=pb.TokenBatch(batch_id=7, rows=rows)),
        ]
        effects = self.loupe.neurons.ComputeNeuronEffects(
            pb.ComputeNeuronEffectsRequest(model=self.model.name, layer=layer, neurons=[0, 1], top_k=3)
        ).projections
        for response in self.loupe.neurons.ScanNeurons(iter(requests)):
            if response.HasField("neuron"):
                report = response.neuron
                example = report.examples[0]
                promoted = [token.token for token in effects[report.index].top]
                print(f"neuron {layer}.{report.index}: {''.join(example.tokens)!r} {example.activation:.3f}, "
                      f"active {report.statistics.active_fraction:.0%}, promotes {promoted}")

    def embeddings(self):
        """The tokens nearest to the answer's."""
        pb = self.pb
        nearest = self.loupe.neurons.FindNearestTokens(pb.FindNearestTokensRequest(
            model=self.model.name, terms=[pb.EmbeddingTerm(token=self.answers[0].id)], top_k=3
        )).tokens
        print(f"nearest to {self.answers[0].token!r}:", [(near.token, round(near.similarity, 3)) for near in nearest])


def main(address="127.0.0.1:8080"):
    explorer = Explorer(address)
    explorer.gradients()
    explorer.attribution_patching()
    explorer.sweep()
    explorer.linear_attribution()
    explorer.cache_and_patch()
    explorer.heads()
    explorer.neurons()
    explorer.embeddings()


if __name__ == "__main__":
    main(*sys.argv[1:])
