#!/bin/bash
# Runs inside a freshly booted Debian: the packages of another system, by the program that installs them there. What their scripts do
# is what counts here; that the programs work is seen with the others.
# What it finds goes to /scene/found, a line each.
set -euo pipefail
exec >/scene/found 2>/scene/trace
set -x
export LC_ALL=C HOME=/root
# Debian's rpm wants to hear that it is meant; what it would need besides, systemd and a shell, Debian's own packages have brought.
rpm() { command rpm --force-debian --nodeps --dbpath /var/lib/rpm-trial "$@"; }
there() { for path in "$@"; do [ -e "$path" ] || { echo "lacks $path"; return; }; done; echo there; }
gone() { for path in "$@"; do [ ! -e "$path" ] || { echo "still has $path"; return; }; done; echo gone; }
programs=(/usr/bin/oamd /usr/bin/oam /usr/bin/oam-hook)
unit=/usr/lib/systemd/system/oamd.service
watch=/usr/lib/systemd/system/oam-bitbucket-watch.service

getent passwd oam >&2 && echo "the user was there before"
rpm --install /scene/first-daemon.rpm /scene/first-hook.rpm >&2
echo "installed: programs $(there "${programs[@]}"), unit $(there "$unit" "$watch"), configuration $(there /etc/oam/oamd.toml /etc/oam/hook.toml)"
echo "user: $(getent passwd oam | cut -d: -f1,6,7)"
echo "after the installation: $(systemctl is-enabled oamd || true), $(systemctl is-active oamd || true)"
# Its name in the log is for ever: it is chosen before the first start.
printf 'node = "trial"\n' >/etc/oam/oamd.toml
systemctl enable --now oamd 2>&1 | grep -v Created >&2 || true
echo "after systemctl enable --now: $(systemctl is-enabled oamd), $(systemctl is-active oamd), folder $(stat -c %U:%a /var/lib/oam)"

before=$(systemctl show --property MainPID oamd)
rpm --upgrade /scene/second-daemon.rpm /scene/second-hook.rpm >/scene/upgrade 2>&1
cat /scene/upgrade >&2
[ "$(systemctl show --property MainPID oamd)" != "$before" ] && echo "after the upgrade: $(systemctl is-enabled oamd), $(systemctl is-active oamd), anew"
echo "packages: $(command rpm --dbpath /var/lib/rpm-trial --query --all --queryformat '%{name} %{release}\n' | sort | tr '\n' ',')"
grep -q 'node = "trial"' /etc/oam/oamd.toml && echo "the configuration stayed"
grep -q 'lets every push in' /scene/upgrade || echo "nobody was told that the hook goes"
# One that does not run is not started by an upgrade.
systemctl stop oamd
rpm --upgrade --force /scene/second-daemon.rpm >&2
echo "after an upgrade of one that does not run: $(systemctl is-active oamd || true)"
systemctl start oamd

rpm --erase bitbucket-oam >&2
echo "after the removal: $(systemctl is-active oamd || true), unit $(gone "$unit" /etc/systemd/system/multi-user.target.wants/oamd.service)"
rpm --erase bitbucket-oam-hook 2>&1 | grep -o 'lets every push in' | sed 's/^/told: a server without the hook /'
echo "erased: programs $(gone "${programs[@]}")"
[ -e /etc/oam/oamd.toml.rpmsave ] && [ -e /var/lib/oam/audit/checkpoint ] && echo "configuration and audit log stayed"
echo "user: $(getent passwd oam | cut -d: -f1)"
echo "trial ended"
