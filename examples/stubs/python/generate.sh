#!/usr/bin/env bash
# Makes Python stubs of all services in gen/, beside this script. Needs requirements.txt, and the files of Google that Loupe's
# import, which the build leaves in proto/target: mvn -q -pl proto generate-resources
set -euo pipefail
cd "$(dirname "$0")"
proto=../../../proto
mkdir -p gen
# Google's own messages are in googleapis-common-protos already.
python -m grpc_tools.protoc -I "$proto/src/main/proto" -I "$proto/target/google-protos" \
  --python_out=gen --pyi_out=gen --grpc_python_out=gen \
  $(cd "$proto/src/main/proto" && find loupe -name '*.proto')
