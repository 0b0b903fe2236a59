"""Sends the example of every call that /openapi.json describes, as a form made from it would.

    python openapi_examples.py HOST:PORT

Against a Loupe with the model that it ships with, and nothing else: an example that is about something that is not
there yet may be answered by 404. Exits with 1 when any is answered otherwise.
"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request

# Downloads half a gigabyte.
LEFT_OUT = {"InferenceService_LoadModel"}
# What only needs the model has to answer.
ABOUT_THE_MODEL = {"AttributionService", "PatchingService", "HeadService", "NeuronService"}


def request(base, path, verb, operation):
    query = []
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            path = path.replace("{%s}" % parameter["name"], urllib.parse.quote(parameter["example"]))
        elif "example" in parameter:
            values = parameter["example"]
            query += [(parameter["name"], value) for value in (values if isinstance(values, list) else [values])]
    body = None
    if "requestBody" in operation:
        body = json.dumps(operation["requestBody"]["content"]["application/json"]["example"]).encode()
    url = base + path + ("?" + urllib.parse.urlencode(query) if query else "")
    return urllib.request.Request(url, data=body, method=verb.upper(), headers={"Content-Type": "application/json"})


def answer(sent):
    try:
        with urllib.request.urlopen(sent, timeout=120) as response:
            text = response.read().decode()
            # A broken stream ends with an object that has an error.
            return 500 if '{"error":' in text else response.status, text
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def main(address):
    base = "http://" + address
    with urllib.request.urlopen(base + "/openapi.json") as response:
        document = json.load(response)
    answered, wrong = 0, 0
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            name = operation["operationId"]
            if name in LEFT_OUT:
                continue
            status, text = answer(request(base, path, verb, operation))
            absent = status == 404 and "_NOT_FOUND" in text and name.split("_")[0] not in ABOUT_THE_MODEL
            if status == 200:
                answered += 1
            elif not absent:
                wrong += 1
                print(f"{name}: {status} {text}")
    print(f"{answered} examples are answered, {wrong} are wrong")
    return 1 if wrong or answered < 25 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
