#!/usr/bin/env bash
# Calls Loupe with grpcurl, which learns the API from the server by reflection.
#
#   ./look.sh [HOST:PORT] [PROMPT]
#
# grpcurl: go install github.com/fullstorydev/grpcurl/cmd/grpcurl@latest
set -euo pipefail

address=${1:-127.0.0.1:8080}
prompt=${2:-The capital of Texas is}
grpcurl=${GRPCURL:-grpcurl}

# call SERVICE/METHOD JSON: one call; a streamed answer is one JSON object after another.
call() {
  "$grpcurl" -plaintext -d "$2" "$address" "$1"
}

echo "# services"
"$grpcurl" -plaintext "$address" list

echo "# one call of one of them"
"$grpcurl" -plaintext "$address" describe loupe.inference.v1.InferenceService.RunForwardPass

echo "# health"
call grpc.health.v1.Health/Check '{}'

echo "# models"
models=$(call loupe.inference.v1.InferenceService/ListModels '{}')
echo "$models"
model=$(sed -n 's/.*"name": "\(models\/[^"]*\)".*/\1/p' <<<"$models" | head -n 1)

echo "# tokens of the prompt"
call loupe.inference.v1.InferenceService/Tokenize \
  "{\"model\": \"$model\", \"texts\": [\"$prompt\"]}"

echo "# the likeliest next tokens, with the first block's attention switched off"
call loupe.inference.v1.InferenceService/RunForwardPass "{
  \"model\": \"$model\", \"prompts\": [{\"text\": \"$prompt\"}], \"topK\": 3,
  \"interventions\": [{\"hookPoint\": \"blocks.0.hook_attn_out\", \"zero\": {}}]
}"

echo "# a continuation, streamed"
call loupe.inference.v1.InferenceService/GenerateText \
  "{\"model\": \"$model\", \"prompts\": [{\"text\": \"$prompt\"}], \"maxNewTokens\": 5}"

echo "# dictionaries"
call loupe.sae.v1.SaeService/ListDictionaries '{}'
