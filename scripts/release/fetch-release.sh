#!/bin/sh
# For a job that can assume a role in AWS: downloads what the job `build` of this run made, checks its digests and who built it, and
# installs SAM CLI from prebuilt packages with fixed hashes. Installs no npm package and builds nothing.
#
#   RELEASE_DIRECTORY=… DIGESTS='lines of sha256sum' GH_TOKEN=… scripts/release/fetch-release.sh
#
# Afterwards, SAM CLI is in $RUNNER_TEMP/sam/bin.
set -eu

gh run download "${GITHUB_RUN_ID}" --name release --dir "${RELEASE_DIRECTORY}"
(
  cd "${RELEASE_DIRECTORY}"
  echo "${DIGESTS}" | sha256sum --check --strict
  for file in release.tar release.mjs; do
    gh attestation verify "${file}" --repo "${GITHUB_REPOSITORY}" \
      --signer-workflow "${GITHUB_REPOSITORY}/.github/workflows/release.yml" --source-ref "${GITHUB_REF}"
  done
)

python3 -m venv "${RUNNER_TEMP}/sam"
"${RUNNER_TEMP}/sam/bin/pip" install --no-deps --require-hashes --only-binary=:all: -r scripts/local/requirements/sam.txt
