#!/bin/bash
# boot-in-kernel.sh [-m MODULES [-p tc|netfilter]] VMLINUZ [SCENARIO…] : boots a kernel image in QEMU with this machine's systemd, after
# `ipt2bpf enable`, and shows what holds when the network comes up. MODULES: the folder lib/modules/VERSION that belongs to the kernel;
# with it the network is a card, and the ruleset is at its tc (Linux 5.15 and newer; before 6.6 that is clsact) or, with -p netfilter,
# at the netfilter hook (6.4 and newer). Without it lo is the network, and the ruleset is at the netfilter hook.
# Scenarios: none (nothing enabled), good, spoilt-closed, spoilt-open (the saved object cannot be loaded), broken-closed (not even the
# tool itself can run; with modules alone), answers (rules that iptables answers for; -p netfilter alone), and verbs: attach, replace,
# status, detach with the machine up. All if left out. At the netfilter hook of an older kernel: old (what the verbs say there).
# Prints a line for each scenario, OK or FAIL. Exit 0 all OK, 1 some not, 2 trouble.
# Needs qemu-system-x86_64, systemd, udev, kmod, iproute2, iptables, busybox, cpio, Node.js and a build (`npm run build`); no root.
set -euo pipefail
modules=
place=
while getopts m:p: option; do
  case $option in
  m) modules=$(realpath "$OPTARG") ;;
  p) place=$OPTARG ;;
  *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
[ "$#" -ge 1 ] || {
  sed -n '2,12p' "$0" >&2
  exit 2
}
kernel=$1
shift
older() { [ -n "$modules" ] && [ "$(printf '%s\n%s\n' "$(basename "$modules")" "$1" | sort -V | sed -n 1p)" != "$1" ]; }
network=eth0
[ -n "$modules" ] || network=lo place=netfilter
case ${place:=tc} in tc | netfilter) ;; *) exit 2 ;; esac
if [ $place = netfilter ] && older 6.4; then
  all=(none old)
else
  all=(none good spoilt-closed spoilt-open)
  [ -z "$modules" ] || all+=(broken-closed)
  [ -z "$modules" ] || [ $place = tc ] || all+=(answers)
  all+=(verbs)
fi
[ "$#" -eq 0 ] || all=("$@")
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{usr/{bin,sbin,lib,lib64},dev,proc,sys,run,tmp,var/log,root,etc/systemd/system,opt/ipt2bpf/node_modules}
for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done

# Takes files over to the same place, links and what they lead to.
take() {
  local path
  for path in "$@"; do
    path=$(realpath "$(dirname "$path")")/$(basename "$path")
    case $path in /bin/* | /sbin/* | /lib/* | /lib64/*) path=/usr$path ;; esac
    [ -e "$root$path" ] || [ -L "$root$path" ] || {
      mkdir -p "$root$(dirname "$path")"
      cp -a "$path" "$root$path"
      # Link by link: /etc/alternatives is between.
      if [ -L "$path" ]; then (cd "$(dirname "$path")" && take "$(readlink "$path")"); fi
    }
  done
}
packages=(systemd udev kmod iproute2 iptables)
for package in "${packages[@]}"; do
  while read -r path; do
    case $path in */share/doc/* | */share/man/* | */share/locale/* | */hwdb.d/* | */hwdb.bin) continue ;; esac
    if [ -f "$path" ] || [ -L "$path" ]; then take "$path"; fi
  done < <(dpkg -L "$package")
done
take /usr/sbin/{iptables,ip6tables}{,-save,-restore} /bin/sh /bin/bash /bin/mount /bin/umount /usr/bin/env /usr/bin/busybox /bin/mkdir /bin/cat "$(command -v ip)" \
  "$(command -v tc)" "$(command -v node)"
# The libraries of everything that is there, and theirs.
find "$root/usr" -type f \( -perm -100 -o -name '*.so*' \) -print0 |
  (xargs -0 -n 200 ldd 2>/dev/null || true) | sed -nE 's/^\t([^ ]+ => )?(\/[^ ]+) \(.*/\2/p' | sort -u | while read -r library; do take "$library"; done
for name in ping sleep uname ls mv grep date rmmod awk sed cut timeout poweroff; do
  [ -e "$root/usr/bin/$name" ] || [ -e "$root/usr/sbin/$name" ] || ln -s busybox "$root/usr/bin/$name"
done
cp -r "$here/dist" "$here/package.json" "$root/opt/ipt2bpf/"
for name in koffi @koromix; do [ ! -e "$here/node_modules/$name" ] || cp -rL "$here/node_modules/$name" "$root/opt/ipt2bpf/node_modules/"; done
if [ -n "$modules" ]; then
  version=$(basename "$modules")
  mkdir -p "$root/usr/lib/modules/$version/kernel/drivers"
  cp "$modules"/modules.* "$root/usr/lib/modules/$version/"
  for part in net lib crypto fs/autofs drivers/net drivers/virtio; do
    [ ! -d "$modules/kernel/$part" ] || {
      mkdir -p "$root/usr/lib/modules/$version/kernel/$(dirname "$part")"
      cp -r "$modules/kernel/$part" "$root/usr/lib/modules/$version/kernel/$part"
    }
  done
  depmod -b "$root/usr" "$version"
fi
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
printf 'root:x:0:\n%s' "$(for group in tty disk kmem input video audio lp cdrom tape render kvm sgx dialout; do echo "$group:x:$((RANDOM + 1000)):"; done)" >"$root/etc/group"
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
touch "$root/etc/fstab" "$root/etc/os-release"
for unit in systemd-logind systemd-timesyncd systemd-networkd systemd-hwdb-update systemd-random-seed getty@tty1 serial-getty@ttyS0 systemd-update-utmp systemd-resolved apt-daily; do
  ln -s /dev/null "$root/etc/systemd/system/$unit.service"
done
for chain in INPUT FORWARD OUTPUT; do echo ":$chain ACCEPT [0:0]"; done >"$work/chains"
rules() { printf '*filter\n%s\n-A INPUT -p %s -j DROP\nCOMMIT\n' "$(cat "$work/chains")" "$1"; }
rules icmp >"$root/root/no-icmp.v4"
rules udp >"$root/root/no-udp.v4"
rules icmp | sed 's/-j DROP/-j REJECT --reject-with icmp-host-prohibited/' >"$root/root/reject-icmp.v4"

# What sets up the network, and what the admin then sees: the name of each state goes to the console.
cat >"$root/etc/systemd/system/probe-network.service" <<'UNIT'
[Unit]
Description=Sets up the network
DefaultDependencies=no
Wants=network-pre.target
After=network-pre.target
Before=network.target

[Service]
Type=oneshot
ExecStart=/root/network
UNIT
cat >"$root/etc/systemd/system/probe.service" <<'UNIT'
[Unit]
Description=Looks at the network
After=network.target probe-network.service
Wants=network.target probe-network.service

[Service]
Type=oneshot
ExecStart=/root/look
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
UNIT
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../probe.service "$root/etc/systemd/system/multi-user.target.wants/"
cat >"$root/root/settings" <<'SETTINGS'
export PATH=/usr/sbin:/usr/bin HOME=/root SYSTEMD_BUS_TIMEOUT=600
tool='node /opt/ipt2bpf/dist/src/cli/main.js'
scenario=$(sed -n 's/.*scenario=\([a-z-]*\).*/\1/p' /proc/cmdline)
place=$(sed -n 's/.*place=\([a-z]*\).*/\1/p' /proc/cmdline)
network=$(sed -n 's/.*network=\([a-z0-9]*\).*/\1/p' /proc/cmdline)
if [ "$place" = tc ]; then where='--hook tc --chain INPUT --dev eth0'; else where='--hook netfilter'; fi
if [ "$network" = lo ]; then peer=127.0.0.1; else peer=10.0.2.2; fi
pings() { if ping -c 5 -W 5 $peer >/dev/null 2>&1; then echo passes; else echo lost; fi; }
SETTINGS
cat >"$root/root/network" <<'NETWORK'
#!/bin/sh
. /root/settings
ip link set lo up
if [ "$network" = eth0 ]; then
  tries=0
  while [ ! -e /sys/class/net/eth0 ] && [ $tries -lt 300 ]; do
    sleep 1
    tries=$((tries + 1))
  done
  ip link set eth0 up
  ip addr add 10.0.2.15/24 dev eth0
fi
awk '{ print "network up at " $1 " s" }' /proc/uptime >/run/network-up
NETWORK
cat >"$root/root/look" <<'LOOK'
#!/bin/sh
. /root/settings
# The console is a terminal: neither progress nor its width are of interest.
exec 2>/dev/null
unset COLUMNS
state() { systemctl show -P "$2" "$1"; }
early() { # Whether the unit was through before the network came up, by the clock of systemd.
  [ "$(state ipt2bpf.service ExecMainExitTimestampMonotonic)" -gt 0 ] &&
    [ "$(state ipt2bpf.service ExecMainExitTimestampMonotonic)" -le "$(state probe-network.service ExecMainStartTimestampMonotonic)" ] && echo before || echo after
}
# By the text that iptables-save has: a table of iptables has numbers for protocols, and one in front of each rule.
judged() { $tool list --save 2>/dev/null | grep -q '^\[[1-9][0-9]*:[0-9]*\] -A INPUT -p icmp ' && echo counted || echo none; }
say() { echo "SAYS $*"; }
case $scenario in
none) say "$(pings)" ;;
verbs)
  say "$(pings)"
  $tool attach /root/no-icmp.v4 $where --no-verify && say "attach $(pings) $(judged)"
  [ "$place" != tc ] || tc filter show dev eth0 ingress | grep -o 'ipt2bpf [a-z0-9-]*' | sed 's/^/SAYS clsact /'
  $tool status >/root/status && say "status $(sed -n 2,3p /root/status | grep -o 'attached' | sed -n 1p)"
  $tool replace /root/no-udp.v4 --no-verify && say "replace $(pings)"
  $tool rollback && say "rollback $(pings)"
  $tool detach && say "detach $(pings)"
  ls /sys/fs/bpf/ipt2bpf | grep -q . || say nothing left
  ;;
old)
  said() { "$@" 2>&1 | sed '/^ *assumes: /d; s/^ *//; s/Linux [0-9][^ ]* is/Linux it is/; s/^/SAYS /'; }
  said $tool attach /root/no-icmp.v4 $where --no-verify
  said $tool enable /root/no-icmp.v4 $where --no-verify --on-failure closed
  said $tool status
  say "$(pings) $(ls /sys/fs/bpf /etc/ipt2bpf 2>/dev/null | grep -c ipt2bpf)"
  ;;
*)
  echo "$(early) $(state ipt2bpf.service ActiveState)" >/run/early
  say "$(cat /run/early) $(pings)"
  case $scenario in
  good) say "$(judged)" ;;
  answers) say "$(judged) $(iptables-save -c -t filter | grep -c 'REJECT --reject-with icmp-host-prohibited')" ;;
  broken-closed)
    say "block $(state ipt2bpf-block.service ActiveState)"
    mv /usr/bin/node.away /usr/bin/node
    systemctl restart ipt2bpf.service && sleep 3
    say "mended $(state ipt2bpf.service ActiveState) block $(state ipt2bpf-block.service ActiveState) $(ip neigh flush all; pings) $(judged)"
    ;;
  spoilt-*) $tool status | sed -n '1s/^\([^,]*\).*/SAYS \1/p' ;;
  esac
  ;;
esac
cat /run/network-up
echo DONE
poweroff -f
LOOK
# The day before: the admin enables it; then whatever goes wrong with the machine.
cat >"$root/init" <<'INIT'
#!/bin/sh
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t bpf bpf /sys/fs/bpf
. /root/settings
echo "Linux $(uname -r), $scenario, at $place"
if [ "$network" = eth0 ]; then modprobe virtio_pci; modprobe virtio_net; fi
case $scenario in
none | verbs | old) ;;
*)
  failure=closed
  case $scenario in *-open) failure=open ;; esac
  ruleset=no-icmp
  [ $scenario != answers ] || ruleset=reject-icmp
  $tool enable /root/$ruleset.v4 $where --no-verify --on-failure $failure || echo 'FAIL enable'
  ;;
esac
case $scenario in
spoilt-*) for file in /etc/ipt2bpf/objects/*; do echo spoilt >"$file"; done ;;
broken-*) mv /usr/bin/node /usr/bin/node.away ;;
esac
[ "$network" != eth0 ] || rmmod virtio_net
umount /sys/fs/bpf
exec /lib/systemd/systemd
INIT
chmod +x "$root/init" "$root/root/network" "$root/root/look"
(cd "$root" && find . | cpio -o -H newc --quiet) >"$work/initrd"
rm -rf "$root"

# What each scenario is to say, in this order.
wanted() {
  case $1 in
  none) echo 'passes' ;;
  good) printf 'before active lost\ncounted\n' ;;
  spoilt-closed) printf 'before failed lost\n%s: no packet passes\n' "$([ $place = tc ] && echo tc-input-v4 || echo filter-v4)" ;;
  spoilt-open) printf 'before failed passes\nnothing is attached\n' ;;
  answers) printf 'before active lost\ncounted 1\n' ;;
  old)
    local needs='ipt2bpf: error[old-kernel]: this needs Linux 6.4 or newer, and Linux it is running'
    printf '%s\n' "$needs" "$needs" 'nothing is attached' 'passes 0'
    ;;
  broken-closed) printf 'before failed lost\nblock active\nmended active block inactive lost counted\n' ;;
  verbs)
    printf 'passes\nattach lost counted\n'
    if [ $place = tc ] && older 6.6; then echo 'clsact ipt2bpf tc-input-v4'; fi
    printf 'status attached\nreplace passes\nrollback lost\ndetach passes\nnothing left\n'
    ;;
  esac
}
bad=0
for scenario in "${all[@]}"; do
  timeout "${SECONDS_TO_RUN:-900}" qemu-system-x86_64 -accel tcg -cpu "${CPU:-max}" -m 3072 -nographic -no-reboot \
    -nic user,model=virtio-net-pci -kernel "$kernel" -initrd "$work/initrd" \
    -append "console=ttyS0 quiet panic=-1 no_timer_check rdinit=/init net.ifnames=0 systemd.unit=multi-user.target systemd.show_status=0 systemd.default_standard_error=journal+console scenario=$scenario place=$place network=$network" \
    </dev/null >"$work/console" || true
  tr -d '\r' <"$work/console" >"$work/text"
  [ -z "${CONSOLE:-}" ] || cp "$work/text" "$CONSOLE.$scenario"
  grep -aq '^DONE' "$work/text" || {
    tail -n 40 "$work/text" >&2
    echo "boot-in-kernel.sh: $scenario: the machine did not come to its end" >&2
    exit 2
  }
  sed -n 's/^SAYS //p' "$work/text" >"$work/have"
  if diff <(wanted "$scenario") "$work/have" >"$work/diff"; then
    echo "OK $scenario: $(paste -sd';' "$work/have") ($(grep -aom 1 'Linux [0-9][^,]*' "$work/text"), $(grep -ao 'network up.*' "$work/text"))"
  else
    bad=1
    echo "FAIL $scenario:"
    cat "$work/diff"
  fi
done
exit $bad
