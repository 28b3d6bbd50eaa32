#!/usr/bin/env bash
# What action.yml does, for any CI: checks, verifies, tests and compares the dumps of a repository. Settings are in the
# environment: RULES (patterns of dumps), HOOK, CHAIN, MODE, PACKETS, ENGINES, PROVE (true: prove the object, too),
# INTENTS (a file for all dumps; if left out, NAME.intents.yaml beside NAME.v4, where there is one), BASE (a commit to
# compare with; none: not done), OBJECT (an object that is held against the dump; if left out, DUMP.o and DUMP.*.o beside
# it, where there are any), REPORTS (folder for what it writes: summary.md, JUnit, SARIF, compared dumps).
# Exit code: 0 all well, 1 a check says no, 2 trouble.
set -uo pipefail
shopt -s globstar nullglob

rules=${RULES:-**/*.v4 **/*.v6}
reports=${REPORTS:-ipt2bpf-reports}
place=(--hook "${HOOK:-xdp}" --chain "${CHAIN:-INPUT}" --mode "${MODE:-exact}")
worst=0

# asked OUTPUT COMMAND…: runs a command, shows what it prints and keeps it in a file; remembers the worst code.
asked() {
  local output=$1 status
  shift
  ipt2bpf "$@" >"$output" 2>&1
  status=$?
  cat "$output"
  if ((status > worst)); then worst=$status; fi
  return $status
}

# A word for an exit code.
word() { case $1 in 0) echo 'ok' ;; 1) echo '**no**' ;; *) echo '**trouble**' ;; esac; }

# section TITLE FILE: a folded part of the summary, cut where a comment could not hold it.
# shellcheck disable=SC2016
section() {
  printf '<details><summary>%s</summary>\n\n````text\n%s\n````\n\n</details>\n\n' "$1" "$(head -c 12000 "$2" | sed 's/````*/```/g')" >>"$work/body.md"
}

intents_of() {
  if [[ -n ${INTENTS:-} ]]; then
    echo "$INTENTS"
  elif [[ -f ${1%.*}.intents.yaml ]]; then
    echo "${1%.*}.intents.yaml"
  fi
}

# objects_of DUMP: objects that are kept with a dump, a line each.
objects_of() {
  local object
  for object in ${OBJECT:-"$1".o "$1".*.o}; do
    if [[ -f $object ]]; then echo "$object"; fi
  done
}

# audits DUMP: whether the objects that are kept with it still say what it says; the worst answer.
audits() {
  local dump=$1 object status found='–' code=-1
  if [[ -n ${OBJECT:-} && ! -f $OBJECT ]]; then
    echo "no such object: $OBJECT" | tee "$work/audit" >&2
    section "$dump: kept object" "$work/audit"
    echo '**trouble**'
    return 2
  fi
  while read -r object; do
    asked "$work/audit" audit "$dump" "$object" >&2
    status=$?
    section "$dump: $object ($(word $status))" "$work/audit"
    if ((status > code)); then
      code=$status
      found=$(word $status)
    fi
  done < <(objects_of "$dump")
  echo "$found"
  return $((code > 0 ? code : 0))
}

# changes DUMP: the packets that the base judges otherwise. A change is no failure: it is what the reader is to see.
changes() {
  local dump=$1 base=$reports/base/$1 family=() status
  if [[ -z ${BASE:-} ]]; then
    echo '–'
    return 0
  fi
  if ! git cat-file -e "$BASE:$dump" 2>/dev/null; then
    echo 'new'
    return 0
  fi
  mkdir -p "$(dirname "$base")"
  git show "$BASE:$dump" >"$base"
  [[ $dump =~ \.(v[46])$ ]] && family=(--family "${BASH_REMATCH[1]}")
  ipt2bpf diff "$base" "$dump" "${family[@]}" --format markdown >"$work/diff.md" 2>"$work/diff.err"
  status=$?
  cat "$work/diff.md" "$work/diff.err" >&2
  case $status in
    0) echo 'none' ;;
    1)
      echo 'see below'
      # Where it is too long, the rules are left out.
      if (($(wc -c <"$work/diff.md") > 30000)); then
        sed '/^<details>/,$d' "$work/diff.md" | head -c 30000 >"$work/short.md"
        mv "$work/short.md" "$work/diff.md"
      fi
      { cat "$work/diff.md" && echo; } >>"$work/body.md"
      ;;
    *)
      echo '**trouble**'
      section "$dump: not compared" "$work/diff.err"
      return 2
      ;;
  esac
}

# judge DUMP: a row of the table, and what belongs to it.
judge() {
  local dump=$1 name=${1//\//-} check verify='–' audit='–' intents='–' changed file status
  asked "$work/check" check "$dump" "${place[@]}" --sarif "$reports/$name.sarif"
  check=$?
  changed=$(changes "$dump") || worst=2
  section "$dump: translation ($(word $check))" "$work/check"
  if ((check != 2)); then
    asked "$work/verify" verify "$dump" "${place[@]}" --engines "${ENGINES:-interpreter}" \
      --packets "${PACKETS:-1000}" --junit "$reports/$name.xml"
    verify=$(word $?)
    section "$dump: object against its rules ($verify)" "$work/verify"
    if [[ ${PROVE:-false} == true ]]; then
      asked "$work/prove" verify "$dump" "${place[@]}" --prove
      section "$dump: proof ($(word $?))" "$work/prove"
    fi
    audit=$(audits "$dump")
    status=$?
    if ((status > worst)); then worst=$status; fi
    file=$(intents_of "$dump")
    if [[ -n $file ]]; then
      asked "$work/intents" test "$dump" "$file" --junit "$reports/$name.intents.xml"
      intents=$(word $?)
      section "$dump: intents of $file ($intents)" "$work/intents"
    fi
  fi
  printf '| %s | %s | %s | %s | %s | %s |\n' "$dump" "$(word $check)" "$verify" "$audit" "$intents" "$changed" >>"$work/table.md"
}

# Patterns are words of the setting.
dumps=()
for dump in $rules; do
  # What an earlier run has left is none of the repository's.
  if [[ $dump != "$reports"/* ]]; then dumps+=("$dump"); fi
done
if ((${#dumps[@]} == 0)); then
  echo "no dump matches: $rules" >&2
  exit 2
fi

mkdir -p "$reports"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$work/body.md"
for dump in "${dumps[@]}"; do judge "$dump"; done

summary=$reports/summary.md
{
  printf '## ipt2bpf\n\n'
  printf '| dump | translation at %s, %s | object | kept object | intents | changed packets |\n' "${HOOK:-xdp}" "${CHAIN:-INPUT}"
  printf '| --- | --- | --- | --- | --- | --- |\n'
  cat "$work/table.md"
  printf '\n'
  cat "$work/body.md"
} >"$summary"
if [[ -n ${GITHUB_STEP_SUMMARY:-} ]]; then cat "$summary" >>"$GITHUB_STEP_SUMMARY"; fi
exit "$worst"
