"""Makes cases.json: what AutoTokenizer of transformers 5 and the tokenizers library do with small GPT-2 tokenizers.

Needs `pip install transformers==5.24.0 tokenizers==0.23.3`. Run in this folder: python make_cases.py
"""

import json
import os
import random
import tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import tokenizers
import transformers
from transformers import AutoTokenizer

GPT2_EXPRESSION = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
SHORTER = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def byte_alphabet():
    printing = set(range(33, 127)) | set(range(161, 173)) | set(range(174, 256))
    moved = iter(range(256, 512))
    return [chr(value) if value in printing else chr(next(moved)) for value in range(256)]


MERGES = ["h e", "l l", "he ll", "hell o", "\u0120 w", "o r", "\u0120w or", "a a", "aa a", "\u0120 hello"]
VOCAB = {character: value for value, character in enumerate(byte_alphabet())}
for pair in MERGES:
    VOCAB[pair.replace(" ", "")] = len(VOCAB)
END = len(VOCAB)
WITH_END = {**VOCAB, "<|endoftext|>": END}
# What stands in a case for the vocabularies and merges that most share.
SHARED = {"VOCAB": VOCAB, "WITH_END": WITH_END, "MERGES": MERGES}


def added(id, content, **flags):
    token = {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False}
    return {**token, "normalized": True, "special": False, **flags}


def byte_level(prefix=False, **more):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, **more}


def split(expression, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": expression}, "behavior": behavior, "invert": invert}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def whole(added_tokens=(), vocab="WITH_END", merges="MERGES", pre=None, normalizer=None, **model):
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": list(added_tokens),
        "normalizer": normalizer,
        "pre_tokenizer": pre or byte_level(use_regex=True),
        "post_processor": None,
        "decoder": byte_level(True, use_regex=True),
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": vocab,
            "merges": merges,
            **model,
        },
    }


def pair(vocab="WITH_END"):
    return {"vocab.json": vocab, "merges.txt": "#version: 0.2\n" + "\n".join(MERGES) + "\n"}


def expand(node):
    if isinstance(node, dict):
        return {key: expand(value) for key, value in node.items()}
    if isinstance(node, list):
        return [expand(value) for value in node]
    return SHARED.get(node, node) if isinstance(node, str) else node


def load(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in {"config.json": {"model_type": "gpt2"}, **files}.items():
            content = content if name.endswith(".txt") else json.dumps(expand(content))
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(content)
        return AutoTokenizer.from_pretrained(folder)


def case(name, files, texts):
    tokenizer = load(files)
    backend = tokenizer._tokenizer
    default = backend.encode_special_tokens
    rows = []
    for text in texts:
        backend.encode_special_tokens = default
        ids = backend.encode(text, add_special_tokens=False).ids
        backend.encode_special_tokens = True
        rows.append({"text": text, "ids": ids, "literal": backend.encode(text, add_special_tokens=False).ids})
    special = {}
    for role in ("bos", "eos", "pad"):
        token = getattr(tokenizer, role + "_token")
        special[role] = None if token is None else [getattr(tokenizer, role + "_token_id"), token]
    return {"name": name, "files": files, **special, "texts": rows}


def with_config(files, **config):
    return {**files, "tokenizer_config.json": config}


def file_cases():
    fast = "PreTrainedTokenizerFast"
    end = "a<|endoftext|> hello"
    yield case("vocab and merges", pair(), [end, "hello world"])
    yield case("vocab and merges without an end of text", pair("VOCAB"), [end])
    yield case("tokenizer.json alone", {"tokenizer.json": whole([added(END, "<|endoftext|>", special=True)])}, [end])
    yield case("tokenizer.json without an end of text", {"tokenizer.json": whole(vocab="VOCAB")}, [end])
    yield case("added token with a far id", {"tokenizer.json": whole([added(300, "<x>")])}, ["hello<x>"])
    yield case(
        "added token with a far id, as written",
        with_config({"tokenizer.json": whole([added(300, "<x>")])}, tokenizer_class=fast),
        ["hello<x>", end],
    )
    yield case(
        "special tokens that no vocabulary has, as written",
        with_config({"tokenizer.json": whole()}, tokenizer_class=fast, bos_token="<s>", eos_token="hello", pad_token="<|endoftext|>"),
        ["hello<s>", end],
    )
    yield case(
        "class of config.json",
        {"tokenizer.json": whole(pre=byte_level(True)), "config.json": {"model_type": "gpt2", "tokenizer_class": fast}},
        ["hello"],
    )
    yield case("a class that nobody knows", with_config({"tokenizer.json": whole(pre=byte_level(True))}, tokenizer_class="MyTokenizer"), ["hello"])
    yield case(
        "class GPT2TokenizerFast",
        with_config({"tokenizer.json": whole(pre=byte_level(True))}, tokenizer_class="GPT2TokenizerFast"),
        ["hello", " hello"],
    )
    yield case("Roberta's class", with_config({"tokenizer.json": whole()}, tokenizer_class="RobertaTokenizer"), ["hello<s><mask>"])
    yield case("prefix space of tokenizer.json, GPT-2's class", {"tokenizer.json": whole(pre=byte_level(True))}, ["hello"])
    yield case("prefix space of the config, GPT-2's class", with_config({"tokenizer.json": whole()}, add_prefix_space=True), ["hello", " hello", "a<|endoftext|>hello"])
    yield case("prefix space of the config, vocab and merges", with_config(pair(), add_prefix_space=True), ["hello"])
    yield case("prefix space of the config, as written", with_config({"tokenizer.json": whole()}, tokenizer_class=fast, add_prefix_space=True), ["hello"])
    yield case("no use_regex, GPT-2's class", {"tokenizer.json": whole(pre=byte_level(use_regex=False))}, ["hello world"])
    yield case("no use_regex, as written", with_config({"tokenizer.json": whole(pre=byte_level(use_regex=False))}, tokenizer_class=fast), ["hello world hello"])
    yield case("no beginning of text", with_config({"tokenizer.json": whole()}, bos_token=None), [end])
    content = {"__type": "AddedToken", "content": "<b>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False}
    yield case("beginning of text as an object", with_config({"tokenizer.json": whole()}, bos_token=content), ["hello <b> a"])
    decoder = {"300": {"content": "<d>"}, "290": {"content": "<e>", "special": True}}
    yield case("added_tokens_decoder before tokenizer.json", with_config({"tokenizer.json": whole([added(267, "<j>")])}, added_tokens_decoder=decoder), ["<j><d><e>"])
    yield case(
        "added_tokens_decoder beside tokenizer.json, as written",
        with_config({"tokenizer.json": whole([added(267, "<j>")])}, tokenizer_class=fast, added_tokens_decoder=decoder),
        ["<j><d><e>"],
    )
    pad = {"content": "<p>", "lstrip": False, "rstrip": False, "single_word": False, "normalized": True}
    yield case("special_tokens_map.json", {**pair(), "special_tokens_map.json": {"bos_token": "<b>", "pad_token": pad}}, ["<b><p>"])
    yield case("special_tokens_map.json before tokenizer_config.json", {**with_config(pair(), bos_token="<c>"), "special_tokens_map.json": {"bos_token": "<b>"}}, ["<b><c>"])
    yield case(
        "special_tokens_map.json behind an added_tokens_decoder",
        {**with_config(pair(), bos_token="<c>", added_tokens_decoder={}), "special_tokens_map.json": {"bos_token": "<b>"}},
        ["<b><c>"],
    )
    yield case("added_tokens.json", {**pair(), "added_tokens.json": {"<p>": 400, "<q>": 300, "hello": 301}}, ["<p><q>hello world"])
    yield case(
        "added_tokens.json with a special one",
        {**pair(), "added_tokens.json": {"<p>": 300, "<q>": 301}, "special_tokens_map.json": {"pad_token": "<p>"}},
        ["<p><q>"],
    )
    yield case(
        "all the older files beside tokenizer.json",
        {
            "tokenizer.json": whole([added(267, "<p>"), added(268, "<r>")]),
            "added_tokens.json": {"<q>": 300, "<r>": 267},
            "special_tokens_map.json": {"pad_token": "<p>"},
        },
        ["<p><q><r>"],
    )
    yield case("additional special tokens", with_config(pair(), additional_special_tokens=["<u>", "<v>"]), ["<u><v>"])
    yield case("extra special tokens", with_config(pair(), extra_special_tokens=["<u>", "<v>"]), ["<u><v>"])
    yield case("extra special tokens by name", with_config(pair(), extra_special_tokens={"image_token": "<u>"}), ["<u><v>"])
    yield case("a special token of another name", with_config(pair(), image_token="<u>"), ["<u><v>"])
    extra = ["<u>", {"content": "<v>", "lstrip": True, "rstrip": False, "single_word": False, "normalized": False}]
    yield case("extra special tokens of special_tokens_map.json", {**pair(), "special_tokens_map.json": {"extra_special_tokens": extra}}, ["<u> <v>"])
    yield case(
        "every named special token",
        with_config(pair(), cls_token="<c>", sep_token="<s>", mask_token="<m>", unk_token="<k>", pad_token="<p>", eos_token="<e>", image_token="<i>"),
        ["<e><k><s><p><c><m><i>"],
    )
    yield case("special tokens taken as text", with_config({"tokenizer.json": whole([added(267, "<x>")])}, split_special_tokens=True), ["a<|endoftext|><x>"])
    yield case("add_bos_token", with_config(pair(), add_bos_token=True), ["hello"])
    slow = {
        "add_bos_token": False,
        "added_tokens_decoder": {
            str(END): added(0, "<|endoftext|>", special=True),
            str(END + 1): added(0, "<pad>", special=True, normalized=False),
            str(END + 2): added(0, "<speaker1>", special=True, normalized=False),
            str(END + 3): added(0, "COVID-19"),
        },
        "additional_special_tokens": ["<speaker1>"],
        "bos_token": "<|endoftext|>",
        "eos_token": "<|endoftext|>",
        "pad_token": "<pad>",
        "tokenizer_class": "GPT2Tokenizer",
    }
    for token in slow["added_tokens_decoder"].values():
        del token["id"]
    yield case("a slow tokenizer's files", {**with_config(pair(), **slow), "added_tokens.json": {"COVID-19": END + 3}}, ["<speaker1> COVID-19s", "<|endoftext|>hello<pad>"])
    last = ["h e", "e l", "l l", "he ll", "hell o", "h e"]
    more = {**WITH_END, "el": END + 1}
    yield case("of a merge given twice the last counts", {"tokenizer.json": whole(vocab=more, merges=last)}, ["hello", "he"])
    yield case("of a merge given twice the last counts, in merges.txt", {"vocab.json": more, "merges.txt": "\n".join(last) + "\n"}, ["hello", "he"])
    yield case("a version line among the merges", {"vocab.json": "WITH_END", "merges.txt": "h e\n#version: 0.2\nl l\n"}, ["hello"])
    lacking = {token: id for token, id in WITH_END.items() if token != "z"}
    unknown = whole(vocab=lacking, unk_token="<|endoftext|>")
    yield case("an unknown token, as written", with_config({"tokenizer.json": unknown}, tokenizer_class=fast), ["azzb"])
    yield case("ids with gaps", {"vocab.json": {**VOCAB, "far": 400}, "merges.txt": "h e\n"}, ["<|endoftext|>he"])
    spaces = ["hello hello's  \n x", "it's  'll 12three\u00a0\u2003 x", " \t\n", "hello\n\nworld  "]
    for name, pre in (
        ("a sequence of one", sequence(byte_level(use_regex=True))),
        ("a sequence within a sequence", sequence(sequence(byte_level(use_regex=True)))),
        ("a split by GPT-2's expression", sequence(split(GPT2_EXPRESSION), byte_level(use_regex=False))),
        ("a split by GPT-2's expression, written shorter", sequence(split(SHORTER), byte_level(use_regex=False))),
        ("a split by GPT-2's expression, and again", sequence(split(GPT2_EXPRESSION), byte_level(use_regex=True))),
        ("a split that removes what is not matched", sequence(split(GPT2_EXPRESSION, "Removed", True), byte_level(use_regex=False))),
    ):
        yield case(name, with_config({"tokenizer.json": whole(pre=pre)}, tokenizer_class=fast), spaces)
    empty = {"type": "Sequence", "normalizers": []}
    yield case("an empty normalizer", with_config({"tokenizer.json": whole(normalizer=empty)}, tokenizer_class=fast), ["HELLO hello"])
    for fuse, fallback in ((True, False), (False, True)):
        settings = whole(fuse_unk=fuse, byte_fallback=fallback, unk_token="<|endoftext|>")
        yield case(f"fuse_unk {fuse} and byte_fallback {fallback} where every byte has a token", with_config({"tokenizer.json": settings}, tokenizer_class=fast), ["azzb \u00e9"])
    yield case("ignore_merges, as written", with_config({"tokenizer.json": whole(merges=[], ignore_merges=True)}, tokenizer_class=fast), ["hello aaaa"])
    yield case("ignore_merges, GPT-2's class", {"tokenizer.json": whole(merges=[], ignore_merges=True)}, ["hello aaaa"])
    yield case(
        "one token added three times",
        with_config({"tokenizer.json": whole([added(267, "<x>"), added(268, "<x>", special=True, normalized=False), added(269, "<y>")])}, tokenizer_class=fast),
        ["hello<x><y>"],
    )


def added_cases(seed, rounds, texts):
    """Random added tokens over few characters, and random texts of them."""
    generator = random.Random(seed)
    characters = ["a", "b", " ", "_", "-", "\n", "\u00e9", "\u0301", "1", "\u00a0", "\U0001F600"]
    weights = [6, 5, 5, 1, 2, 1, 1, 1, 1, 1, 1]

    def word(longest):
        return "".join(generator.choices(characters, weights, k=generator.randint(1, longest)))

    for number in range(rounds):
        contents = {word(4) for _ in range(generator.randint(1, 7))}
        tokens = []
        for content in sorted(contents):
            flags = {
                flag: generator.random() < chance
                for flag, chance in (("single_word", 0.4), ("lstrip", 0.3), ("rstrip", 0.3), ("normalized", 0.5), ("special", 0.4))
            }
            tokens.append(added(300 + len(tokens), content, **flags))
        files = with_config({"tokenizer.json": whole(tokens)}, tokenizer_class="PreTrainedTokenizerFast")
        yield case(f"added tokens {number}", files, [word(14) for _ in range(texts)])


def main():
    with open("cases.json", "w", encoding="utf-8") as file:
        made = [*file_cases(), *added_cases(7, 80, 12)]
        file.write('{"made_with": "transformers %s, tokenizers %s",\n' % (transformers.__version__, tokenizers.__version__))
        file.write('"shared": %s,\n"cases": [\n' % json.dumps(SHARED))
        file.write(",\n".join(json.dumps(one) for one in made))
        file.write("\n]}\n")


main()
