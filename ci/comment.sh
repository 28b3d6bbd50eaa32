#!/usr/bin/env bash
# Puts the summary of ci/action.sh into a comment of a pull request, always the same one. Needs gh, GH_TOKEN,
# REPOSITORY, PULL (number) and REPORTS.
set -euo pipefail
mark='<!-- ipt2bpf -->'
body=$(printf '%s\n%s' "$mark" "$(head -c 60000 "$REPORTS/summary.md")")
id=$(gh api "repos/$REPOSITORY/issues/$PULL/comments" --paginate --jq "map(select(.body | startswith(\"$mark\"))) | .[0].id // empty")
if [[ -n $id ]]; then
  gh api --method PATCH "repos/$REPOSITORY/issues/comments/$id" -f body="$body" >/dev/null
else
  gh api --method POST "repos/$REPOSITORY/issues/$PULL/comments" -f body="$body" >/dev/null
fi
