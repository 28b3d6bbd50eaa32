#!/bin/sh
# load-in-kernel.sh VMLINUZ OBJECT… : boots a kernel image in QEMU and loads each object there with `bpftool prog loadall`.
# Prints `OK NAME` or `FAIL NAME: reason` for each. Exit 0 all load, 1 some do not, 2 trouble (the kernel did not come up).
# Needs qemu-system-x86_64, a static busybox, bpftool and cpio; no root. SECONDS_TO_RUN: how long the machine may run, 600 unless set.
set -eu
[ "$#" -ge 2 ] || {
  sed -n '2,4p' "$0" >&2
  exit 2
}
kernel=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/objects"
cp "$(command -v busybox)" "$root/bin/"
bpftool=$(command -v bpftool)
cp "$bpftool" "$root/bin/"
ldd "$bpftool" | grep -oE '/[^ ]+' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
cp "$@" "$root/objects/"
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t bpf bpf /sys/fs/bpf
echo "Linux $(busybox uname -r)"
for object in /objects/*; do
  name=$(busybox basename "$object")
  if bpftool prog loadall "$object" /sys/fs/bpf/object >/log 2>&1; then
    echo "OK $name"
  else
    echo "FAIL $name: $(busybox tail -n 14 /log | busybox tr '\n' ' ' | busybox cut -c1-1600)"
  fi
  busybox rm -rf /sys/fs/bpf/object
done
echo DONE
busybox poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet) >"$work/initrd"
timeout "${SECONDS_TO_RUN:-600}" qemu-system-x86_64 -accel tcg -cpu max -m 2048 -nographic -nic none -no-reboot \
  -kernel "$kernel" -initrd "$work/initrd" -append 'console=ttyS0 quiet panic=-1 rdinit=/init' >"$work/console" || true
tr -d '\r' <"$work/console" | grep -aE '^(Linux|OK|FAIL) ' || true
grep -aq '^DONE' "$work/console" || {
  echo 'load-in-kernel.sh: the machine did not come to the end of the list' >&2
  exit 2
}
! grep -aq '^FAIL ' "$work/console"
