#!/bin/bash
# Runs inside a freshly booted Debian: installs the packages as an administrator would, pushes, upgrades, removes.
# What it finds goes to /scene/found, a line each.
set -euo pipefail
exec >/scene/found 2>/scene/trace
set -x
export LC_ALL=C HOME=/root
daemon=$(ls /scene/bitbucket-oam_*.deb)
hook=$(ls /scene/bitbucket-oam-hook_*.deb)

dpkg -i "$daemon" "$hook" >&2
echo "after the installation: $(systemctl is-enabled oamd), $(systemctl is-active oamd)"
echo "user: $(getent passwd oam | cut -d: -f1,6,7)"
echo "verified: $(systemd-analyze verify --man=no oamd.service 2>&1 && echo nothing to say)"
echo "verified: $(systemd-analyze verify --man=no oam-bitbucket-watch.service 2>&1 && echo nothing to say of the watch)"
watch=$(systemd-analyze security oam-bitbucket-watch --no-pager | sed -n 's/.*oam-bitbucket-watch.service: \([0-9]*\).*/\1/p')
[ "$watch" -lt 2 ] && echo "exposure of the watch: below 2 of 10"
echo "the watch: $(systemctl is-enabled oam-bitbucket-watch || true), $(systemctl is-active oam-bitbucket-watch || true), $(getent passwd oam-watch | cut -d: -f1,7)"
exposure=$(systemd-analyze security oamd --no-pager | sed -n 's/.*oamd.service: \([0-9]*\).*/\1/p')
[ "$exposure" -lt 2 ] && echo "exposure: below 2 of 10"
man_pages=$(dpkg -L bitbucket-oam bitbucket-oam-hook | grep -c '/man/')
[ "$man_pages" -gt 20 ] && echo "man pages: yes"

# The git host: its own user, who runs hooks, and a repository.
useradd --create-home git
mkdir -p /etc/systemd/system/oamd.service.d
printf '[Service]\nSupplementaryGroups=git\n' >/etc/systemd/system/oamd.service.d/git.conf
echo token | install -m 600 -o oam /dev/stdin /etc/oam/bitbucket.token
cat >/etc/oam/oamd.toml <<TOML
node = "trial"
[hook]
uids = [$(id -u git)]
gid  = $(id -g git)
[admin]
operator = ["uid:$(id -u oam-watch)"]
[bitbucket]
url = "http://127.0.0.1:1"
network = "loopback"
token_file = "/etc/oam/bitbucket.token"
[bitbucket.provisioning]
account = "svc-oam"
TOML
printf '[plain]\nrepositories = "/srv/git"\nprincipal_env = "PUSHER"\n' >>/etc/oam/hook.toml
systemctl daemon-reload
systemctl enable --now oamd 2>&1 | grep -v Created >&2 || true
echo "after systemctl enable --now: $(systemctl is-enabled oamd), $(systemctl is-active oamd)"
oam() { runuser -u oam -- /usr/bin/oam "$@"; }
oam snapshot import /scene/directory.json >&2
oam policy apply /scene/policy.toml --reason trial >&2

mkdir -p /srv/git/DEMO
git init --quiet --bare /srv/git/DEMO/app.git
ln -s /usr/bin/oam-hook /srv/git/DEMO/app.git/hooks/pre-receive
chown -R git: /srv/git
as_git() { runuser -u git -- env HOME=/home/git "$@"; }
as_git git config --global user.name git
as_git git config --global user.email git@example.com
as_git git clone --quiet /srv/git/DEMO/app.git /home/git/work
push() {
  as_git git -C /home/git/work commit --quiet --allow-empty -m "$2"
  if as_git PUSHER="$1" git -C /home/git/work push origin HEAD:refs/heads/main >/scene/push-"$1" 2>&1; then
    echo "$2: pushed by $1"
  else
    echo "$2: refused for $1$(grep -o ' \[[a-z-]*\]' /scene/push-"$1" | head -1)"
  fi
}
push alice first
# The watch comes in as an operator, and finds no Bitbucket here; nobody else may administer.
printf 'OAM_BITBUCKET_URL=http://127.0.0.1:1\nOAM_TRUST_OWNER=%s\nOAM_WATCH_OPTIONS=--network loopback\n' "$(id -u oam)" >/etc/oam/bitbucket-watch.env
install -m 600 /dev/stdin /etc/oam/bitbucket-watch.token <<<"a-token"
systemctl start oam-bitbucket-watch
for _ in $(seq 50); do journalctl --unit oam-bitbucket-watch --no-pager >/scene/watch; grep -q 'does not answer' /scene/watch && break; sleep 0.2; done
cat /scene/watch >&2
echo "the watch: $(systemctl is-active oam-bitbucket-watch), $(grep -o 'Bitbucket does not answer' /scene/watch | head -1)"
runuser -u oam-watch -- env OAM_TRUST_OWNER="$(id -u oam)" oam status >&2 || true
runuser -u oam-watch -- env OAM_TRUST_OWNER="$(id -u oam)" oam status | grep -q 'permitted' && echo "the watch is let in by the daemon"
{ runuser -u git -- env OAM_TRUST_OWNER="$(id -u oam)" oam status 2>&1 || true; } | grep -o 'may not administer' | sed 's/^/others: /'
systemctl stop oam-bitbucket-watch
systemctl reload oamd && echo "reloaded: $(systemctl is-active oamd)"
push mallory second

# The same version once more, as an upgrade does it.
before=$(systemctl show --property MainPID oamd)
dpkg -i "$daemon" "$hook" </dev/null >&2
[ "$(systemctl show --property MainPID oamd)" != "$before" ] && echo "after the upgrade: $(systemctl is-active oamd), anew"
grep -q 'node = "trial"' /etc/oam/oamd.toml && echo "the configuration stayed"
push alice third

dpkg --remove bitbucket-oam >&2
echo "after the removal: $(systemctl is-active oamd)"
push alice fourth
dpkg --remove bitbucket-oam-hook 2>&1 | grep -o 'lets every push in' | sed 's/^/told: a server without the hook /'
[ -e /etc/oam/oamd.toml ] && [ -e /var/lib/oam/audit/checkpoint ] && echo "configuration and audit log stayed"
dpkg --purge bitbucket-oam bitbucket-oam-hook >&2
[ ! -e /etc/oam/oamd.toml ] && [ -e /var/lib/oam/audit/checkpoint ] && echo "purged: the audit log stayed"
echo "trial ended"
