#!/usr/bin/env bash
# Install the Debian package of a release in a clean Debian, use it, and remove it again.
#
#     sudo tools/release/try_debian.sh DIST RELEASE
#
# DIST is the folder of the release, RELEASE a Debian release such as bookworm or trixie. Needs
# debootstrap, and the machine's own package mirror.
set -euo pipefail

dist=$(realpath "$1")
release=$2
root=$(mktemp -d)
chmod 755 "$root"  # man-db leaves its own user no rights to a private folder
trap 'umount -q "$root/proc" || true; rm -rf --one-file-system "$root"' EXIT

inside() { # run a command in the new system
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/home LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        chroot "$root" "$@"
}

mirror=$(awk '$1 == "URIs:" {print $2; exit} $1 == "deb" {print $2; exit}' \
    /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null || true)
debootstrap --variant=minbase "$release" "$root" "$mirror" >/dev/null
mount -t proc proc "$root/proc"
for file in /etc/apt/apt.conf.d/*proxy* /etc/apt/apt.conf.d/*cert* /etc/resolv.conf; do
    [ ! -e "$file" ] || install -D "$file" "$root$file"
done
cp "$dist"/kabelwerk_*_all.deb "$root/kabelwerk.deb"
cp "$dist"/kabelwerk.pyz "$root/kabelwerk.pyz"
inside apt-get update -qq
inside apt-get install -y -qq --no-install-recommends man-db bash-completion zsh fish >/dev/null
inside apt-get install -y -qq --no-install-recommends ./kabelwerk.deb >/dev/null

echo "== $release: first command"
inside kabelwerk --sandbox users create --key kusanagi --name Motoko
inside python3 /kabelwerk.pyz --sandbox users ensure --key kusanagi --name Motoko -o json

echo "== $release: a workbook"
inside python3 - <<'PYTHON'
import sys
sys.path.insert(0, "/usr/share/kabelwerk")
import openpyxl
book = openpyxl.Workbook()
for row in (("key", "name"), ("batou", "Batou")):
    book.active.append(row)
book.save("/home/users.xlsx")
PYTHON
inside kabelwerk --sandbox users create --from /home/users.xlsx
inside python3 /kabelwerk.pyz --sandbox users update --from /home/users.xlsx

echo "== $release: man pages and completions"
inside man -w kabelwerk-users-create kabelwerk-batches
inside bash -c '. /usr/share/bash-completion/bash_completion
_comp_load kabelwerk 2>/dev/null || __load_completion kabelwerk; complete -p kabelwerk'
inside zsh -c 'autoload -U compinit; compinit -u; print ${_comps[kabelwerk]}'
inside fish -c "complete -C 'kabelwerk users '" | head -3

echo "== $release: a served sandbox"
inside sh -c 'kabelwerk sandbox serve --port 8123 --db /home/served.db --token any >/dev/null 2>&1 &
    server=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        KABELWERK_URL=http://127.0.0.1:8123 KABELWERK_API_TOKEN=any kabelwerk doctor && break
        sleep 0.5
    done
    kill $server'

echo "== $release: remove and purge"
inside apt-get remove -y -qq kabelwerk >/dev/null
inside apt-get purge -y -qq kabelwerk >/dev/null
inside find /usr/share/kabelwerk /usr/bin/kabelwerk /usr/share/doc/kabelwerk 2>/dev/null && exit 1
echo "== $release: nothing is left"
