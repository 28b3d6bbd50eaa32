#!/bin/sh
# Puts the objects of this folder in force, and takes them out again. Needs root, bpftool, iproute2 and a POSIX shell.
set -eu

usage() {
  cat <<TEXT
usage: fwctl attach DEVICE... [--native] [--confirm SECONDS]
       fwctl confirm | rollback | status | counters | detach

attach     put the objects in force at the devices, in the place of those of an
           earlier bundle of this name; with --confirm go back to what was
           before unless "fwctl confirm" comes in time
confirm    keep what attach put in force
rollback   go back to what was in force before the last attach
status     say what is in force, and where (exit 1: nothing)
counters   packets and bytes of each rule, as the kernel has counted them
detach     take everything out of force and forget it

--native   the driver's XDP instead of the generic one
TEXT
}

here=$(cd "$(dirname "$0")" && pwd)
name='' id='' kernel=''
# Written by "ipt2bpf bundle".
# shellcheck source=/dev/null
. "$here/bundle.conf"
bpffs=${FWCTL_BPFFS:-/sys/fs/bpf}
pins=$bpffs/ipt2bpf_$name
state=${FWCTL_STATE:-/run}/ipt2bpf-$name
pref=49152

say() { printf '%s\n' "$*"; }
fail() {
  printf 'fwctl: %s\n' "$*" >&2
  exit 2
}
need() { command -v "$1" >/dev/null 2>&1 || fail "$1 is needed"; }

# The file of a command. BusyBox has applets ip and tc of its own, which it takes before any file, and which know no XDP.
file_of() (
  IFS=:
  for folder in $PATH; do
    if [ -x "$folder/$1" ] && [ ! -d "$folder/$1" ]; then
      printf '%s\n' "$folder/$1"
      return
    fi
  done
)
ip_file=$(file_of ip)
tc_file=$(file_of tc)
ip() { "$ip_file" "$@"; }
tc() { "$tc_file" "$@"; }

recall() { cat "$state/$1" 2>/dev/null || true; }
slots() { ls "$pins/$1/programs" 2>/dev/null || true; }

prepare() {
  [ "$(id -u)" = 0 ] || fail 'root is needed'
  need bpftool
  [ -n "$ip_file" ] || fail 'ip is needed'
  [ -n "$tc_file" ] || fail 'tc is needed'
  mkdir -p "$state"
}

check_files() {
  # BusyBox knows no --quiet.
  sums=$(cd "$here" && sha256sum -c SHA256SUMS 2>&1) && return
  printf '%s\n' "$sums" | sed '/: OK$/d' >&2
  fail 'files of the bundle are not as they were made'
}

check_kernel() {
  running=$(uname -r)
  printf '%s %s\n' "$kernel" "$running" | awk '{
    split($1, want, "."); split($2, have, /[^0-9]/)
    exit !(have[1] + 0 > want[1] + 0 || (have[1] + 0 == want[1] + 0 && have[2] + 0 >= want[2] + 0))
  }' || fail "Linux $kernel or newer is needed, this is $running"
}

mount_bpffs() {
  awk -v at="$bpffs" '$2 == at && $3 == "bpf" { found = 1 } END { exit !found }' /proc/mounts ||
    mount -t bpf bpf "$bpffs"
}

# load GENERATION: programs and maps of this bundle, pinned.
load() {
  [ ! -d "$pins/$1/complete" ] || return 0
  rm -rf "${pins:?}/$1"
  mkdir -p "$pins/$1/programs"
  for object in "$here"/*.o; do
    slot=$(basename "$object" .o)
    case $slot in xdp) type=xdp ;; *) type=classifier ;; esac
    mkdir -p "$pins/$1/maps_$slot"
    if ! message=$(bpftool prog load "$object" "$pins/$1/programs/$slot" type $type pinmaps "$pins/$1/maps_$slot" 2>&1); then
      rm -rf "${pins:?}/$1"
      fail "$slot.o does not load: $message"
    fi
    [ ! -f "$here/$slot.fill" ] || fill "$1" "$slot"
  done
  mkdir "$pins/$1/complete"
}

# fill GENERATION SLOT: elements of IP sets.
fill() {
  batch=$(mktemp)
  sed "s|@PINS@|$pins/$1/maps_$2|" "$here/$2.fill" >"$batch"
  if ! message=$(bpftool batch file "$batch" 2>&1); then
    rm -rf "$batch" "${pins:?}/$1"
    fail "sets of $2.o cannot be filled: $message"
  fi
  rm -f "$batch"
}

# put GENERATION DEVICE MODE: programs of a generation at one device; slots it has no program for are emptied.
put() {
  for slot in xdp ingress egress; do
    if [ -e "$pins/$1/programs/$slot" ]; then
      put_slot "$1" "$2" "$3" "$slot" || return 1
    elif [ -e "$state/at/$2/$slot" ]; then
      take_slot "$2" "$3" "$slot"
    fi
  done
}

put_slot() {
  mkdir -p "$state/at/$2"
  if [ "$4" = xdp ]; then
    # Another program's place is not taken; one of ours is replaced at one moment.
    force=''
    [ ! -e "$state/at/$2/xdp" ] || force=-force
    ip $force link set dev "$2" "$3" pinned "$pins/$1/programs/xdp" || return 1
  else
    if ! tc qdisc show dev "$2" clsact | grep -q clsact; then
      tc qdisc add dev "$2" clsact || return 1
      : >"$state/at/$2/clsact"
    fi
    tc filter replace dev "$2" "$4" pref $pref handle 1 bpf direct-action object-pinned "$pins/$1/programs/$4" || return 1
  fi
  : >"$state/at/$2/$4"
}

take_slot() {
  if [ "$3" = xdp ]; then
    ip link set dev "$1" "$2" off 2>/dev/null || true
  else
    tc filter del dev "$1" "$3" pref $pref 2>/dev/null || true
  fi
  rm -f "$state/at/$1/$3"
}

# take DEVICE MODE: everything of ours away from a device.
take() {
  for slot in xdp ingress egress; do
    [ ! -e "$state/at/$1/$slot" ] || take_slot "$1" "$2" "$slot"
  done
  if [ -e "$state/at/$1/clsact" ] && [ -z "$(tc filter show dev "$1" ingress; tc filter show dev "$1" egress)" ]; then
    tc qdisc del dev "$1" clsact 2>/dev/null || true
  fi
  rm -rf "$state/at/${1:?}"
}

# restore GENERATION DEVICES: back to them; an empty generation is none.
restore() {
  mode=$(recall mode)
  for device in $(recall devices); do
    case " $2 " in
      *" $device "*) [ -z "$1" ] || put "$1" "$device" "$mode" ;;
      *) take "$device" "$mode" ;;
    esac
    [ -n "$1" ] || take "$device" "$mode"
  done
  dropped=$(recall current)
  printf '%s\n' "$2" >"$state/devices"
  printf '%s\n' "$1" >"$state/current"
  rm -f "$state/previous" "$state/previous-devices" "$state/pending"
  [ "$dropped" = "$1" ] || rm -rf "${pins:?}/$dropped"
  [ -n "$1" ] || forget
}

forget() {
  rm -rf "$pins" "$state"
}

attach() {
  devices='' mode=xdpgeneric confirm=''
  while [ $# -gt 0 ]; do
    case $1 in
      --native) mode=xdpdrv ;;
      --confirm)
        [ $# -gt 1 ] || fail '--confirm needs a number of seconds'
        confirm=$2
        shift
        case $confirm in '' | *[!0-9]*) fail "--confirm: \"$confirm\" is no number of seconds" ;; esac
        ;;
      -*) fail "unknown option $1" ;;
      *)
        [ -d "/sys/class/net/$1" ] || ip link show dev "$1" >/dev/null 2>&1 || fail "there is no device $1"
        devices="$devices $1"
        ;;
    esac
    shift
  done
  [ -n "$devices" ] || fail 'attach needs a device'
  prepare
  [ ! -e "$state/pending" ] || fail 'the last attach waits for "fwctl confirm" or "fwctl rollback"'
  check_files
  check_kernel
  mount_bpffs
  before=$(recall current)
  devices_before=$(recall devices)
  [ -z "$before" ] || mode=$(recall mode)
  load "$id"
  all=$devices_before
  for device in $devices; do
    case " $all " in *" $device "*) ;; *) all="$all $device" ;; esac
  done
  all=$(printf '%s' "$all" | awk '{ $1 = $1; print }')
  printf '%s\n' "$mode" >"$state/mode"
  printf '%s\n' "$all" >"$state/devices"
  printf '%s\n' "$id" >"$state/current"
  printf '%s\n' "$before" >"$state/previous"
  printf '%s\n' "$devices_before" >"$state/previous-devices"
  for device in $all; do
    put "$id" "$device" "$mode" && continue
    restore "$before" "$devices_before"
    fail "$device: it cannot be attached; what was in force before is again"
  done
  if [ -z "$confirm" ]; then
    settle
    say "$name $id is in force at $all"
    return
  fi
  token=$$-$(date +%s)
  printf '%s\n' "$token" >"$state/pending"
  nohup sh "$0" _timer "$confirm" "$token" >/dev/null 2>&1 </dev/null &
  say "$name $id is in force at $all; fwctl confirm within $confirm seconds keeps it"
}

# The way back is forgotten.
settle() {
  before=$(recall previous)
  rm -f "$state/previous" "$state/previous-devices" "$state/pending"
  [ -z "$before" ] || [ "$before" = "$(recall current)" ] || rm -rf "${pins:?}/$before"
}

timer() {
  sleep "$1"
  [ "$(recall pending)" != "$2" ] || restore "$(recall previous)" "$(recall previous-devices)"
}

confirm() {
  prepare
  [ -e "$state/pending" ] || fail 'nothing waits to be confirmed'
  settle
  say "$name $(recall current) stays in force"
}

rollback() {
  prepare
  [ -e "$state/previous" ] || fail 'there is nothing to go back to'
  before=$(recall previous)
  restore "$before" "$(recall previous-devices)"
  say "in force again: ${before:-nothing}"
}

status() {
  prepare
  current=$(recall current)
  if [ -z "$current" ]; then
    rmdir "$state" 2>/dev/null || true
    say "nothing of $name is in force"
    exit 1
  fi
  say "$name $current"
  bad=0
  for device in $(recall devices); do
    for slot in $(slots "$current"); do
      number=$(bpftool prog show pinned "$pins/$current/programs/$slot" | awk -F: 'NR == 1 { print $1 }')
      if bpftool net show dev "$device" | grep -q "id $number\$"; then
        say "  $device $slot: program $number"
      else
        say "  $device $slot: NOT ATTACHED"
        bad=1
      fi
    done
  done
  [ ! -e "$state/pending" ] || say '  waits for fwctl confirm'
  exit $bad
}

counters() {
  prepare
  current=$(recall current)
  [ -n "$current" ] || fail "nothing of $name is in force"
  [ "$current" = "$id" ] || fail "in force is $current; this is the bundle of $id"
  for slot in $(slots "$current"); do
    say "$slot:"
    bpftool map dump pinned "$pins/$current/maps_$slot/counters" | awk '
      function number(from, to,    value, i) {
        value = 0
        for (i = to; i >= from; i--)
          value = value * 256 + (index(digits, substr($i, 1, 1)) - 1) * 16 + index(digits, substr($i, 2, 1)) - 1
        return value
      }
      BEGIN { digits = "0123456789abcdef"; FS = "\t" }
      NR == FNR { text[$1] = $2; last = NR; next }
      FNR == 1 { FS = " "; $0 = $0 }
      # An element of the map may hold several counters, each in a line of its own.
      /^key:/ { if (lines) each = lines; getline; key = number(1, 4) * each; next }
      /^value/ { lines = 0; sub(/^.*: */, "") }
      /^[0-9a-f][0-9a-f] / { i = key + lines++; packets[i] += number(1, 8); bytes[i] += number(9, 16) }
      END { for (i = 0; i < last; i++) printf "%12d %16d  %s\n", packets[i], bytes[i], text[i] }
    ' "$here/$slot.counters" -
  done
}

detach() {
  prepare
  [ -n "$(recall current)" ] || {
    rmdir "$state" 2>/dev/null || true
    fail "nothing of $name is in force"
  }
  mode=$(recall mode)
  for device in $(recall devices); do take "$device" "$mode"; done
  forget
  say "nothing of $name is in force"
}

case ${1-} in
  attach)
    shift
    attach "$@"
    ;;
  confirm | rollback | status | counters | detach)
    [ $# = 1 ] || fail "$1 takes no argument"
    "$1"
    ;;
  _timer) timer "$2" "$3" ;;
  help | --help | -h) usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac
