#!/usr/bin/env bash
# What action.yml does, for any CI: checks, compares and verifies the dumps of a repository. Settings are in the
# environment: RULES (patterns of dumps), HOOK, CHAIN, MODE, PACKETS, ENGINES, BASE (a commit to compare with; none: not
# done), REPORTS (folder for what it writes).
# Exit code: 0 all well, 1 a check says no, 2 trouble.
set -uo pipefail
shopt -s globstar nullglob

rules=${RULES:-**/*.v4 **/*.v6}
hook=${HOOK:-xdp} chain=${CHAIN:-INPUT} mode=${MODE:-exact} packets=${PACKETS:-1000}
reports=${REPORTS:-ipt2bpf-reports}
summary=$reports/summary.md
worst=0

# note CODE: remembers the worst exit code.
note() { if (($1 > worst)); then worst=$1; fi; }
title() { printf '\n### %s\n\n' "$1" >>"$summary"; }
# block LANGUAGE: standard input as a block of code, cut where a comment could not hold it.
# shellcheck disable=SC2016
block() { printf '```%s\n%s\n```\n' "$1" "$(head -c 20000)" >>"$summary"; }

mkdir -p "$reports"
printf '## ipt2bpf\n' >"$summary"
# Patterns are words of the setting.
# shellcheck disable=SC2206
dumps=($rules)
if ((${#dumps[@]} == 0)); then
  echo "no dump matches: $rules" >&2
  exit 2
fi

for dump in "${dumps[@]}"; do
  name=${dump//\//-}

  title "$dump: translation at $hook, chain $chain"
  ipt2bpf check "$dump" --hook "$hook" --chain "$chain" --mode "$mode" --sarif "$reports/$name.sarif" >"$reports/check.txt" 2>&1
  status=$?
  note $status
  block text <"$reports/check.txt"
  cat "$reports/check.txt"
  if ((status == 2)); then continue; fi

  title "$dump: object against its rules"
  ipt2bpf verify "$dump" --hook "$hook" --chain "$chain" --mode "$mode" --engines "${ENGINES:-interpreter}" \
    --packets "$packets" --junit "$reports/$name.xml" >"$reports/verify.txt" 2>&1
  note $?
  block text <"$reports/verify.txt"
  cat "$reports/verify.txt"

  if [[ -n ${BASE:-} ]] && git cat-file -e "$BASE:$dump" 2>/dev/null; then
    title "$dump: changes from $BASE"
    git show "$BASE:$dump" >"$reports/base-${name}"
    family=()
    [[ $dump =~ \.(v[46])$ ]] && family=(--family "${BASH_REMATCH[1]}")
    ipt2bpf diff "$reports/base-$name" "$dump" "${family[@]}" >"$reports/diff.txt" 2>&1
    status=$?
    # A change is no failure: it is what the reader is to see.
    if ((status == 2)); then note 2; fi
    if ((status == 0)); then
      printf 'The same rules.\n' >>"$summary"
    else
      block diff <"$reports/diff.txt"
    fi
    cat "$reports/diff.txt"
  fi
done

rm -f "$reports"/{check,verify,diff}.txt
if [[ -n ${GITHUB_STEP_SUMMARY:-} ]]; then cat "$summary" >>"$GITHUB_STEP_SUMMARY"; fi
exit "$worst"
