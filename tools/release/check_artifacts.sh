#!/usr/bin/env bash
# Check the files of a release with the tools of those who publish them; none may have a complaint.
#
#     tools/release/check_artifacts.sh DIST
#
# Needs lintian; the other tools are installed for this run.
set -euo pipefail

dist=$(realpath "$1")
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work"
"$work/bin/pip" install -q --disable-pip-version-check twine check-wheel-contents validate-pyproject
"$work/bin/validate-pyproject" pyproject.toml
"$work/bin/twine" check --strict "$dist"/*.whl "$dist"/*.tar.gz
"$work/bin/check-wheel-contents" "$dist"/*.whl
lintian --fail-on error,warning "$dist"/*.deb
(cd "$dist" && sha256sum --check --strict --quiet SHA256SUMS)
echo "all checks passed"
