#!/usr/bin/env bash
# Install the Debian package of a release in a clean Debian, use it, and remove it again.
#
#     sudo tools/release/try_debian.sh DIST RELEASE
#
# DIST is the folder of the release, RELEASE a Debian release such as bookworm or trixie. Needs
# debootstrap, pip for the wheel to compare with, and the machine's own package mirror.
set -euo pipefail

dist=$(realpath "$1")
release=$2
tools=$(dirname "$(realpath "$0")")
root=$(mktemp -d)
chmod 755 "$root"  # man-db leaves its own user no rights to a private folder
trap 'umount -q "$root/proc" || true; rm -rf --one-file-system "$root"' EXIT

inside() { # run a command in the new system
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/home LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        chroot "$root" "$@"
}

step() {
    echo "== $release: $1"
}

expect() { # run a command in the new system whose output, errors included, has this text
    local shown
    shown=$(inside "${@:2}" 2>&1)
    echo "$shown"
    grep -q -e "$1" <<<"$shown"
}

files() { # all files but those of the package manager's own books, and of the home folder
    inside find / -xdev \( -path /proc -o -path /home -o -path /tmp -o -path /var/lib/dpkg \
        -o -path /var/lib/apt -o -path /var/cache -o -path /var/log -o -path /dev \) -prune -o -print | sort
}

step "a new system"
mirror=$(awk '$1 == "URIs:" {print $2; exit} $1 == "deb" {print $2; exit}' \
    /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null || true)
debootstrap --variant=minbase "$release" "$root" "$mirror" >/dev/null
mount -t proc proc "$root/proc"
for file in /etc/apt/apt.conf.d/{*proxy*,*cert*,99*} /etc/resolv.conf; do
    [ ! -e "$file" ] || install -D "$file" "$root$file"
done
inside apt-get update -qq
inside apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends \
    man-db bash-completion zsh fish python3 python3-venv >/dev/null
cp "$dist"/kabelwerk_*_all.deb "$root/home/kabelwerk.deb"
cp "$dist"/kabelwerk.pyz "$tools/compare_starts.py" "$root/home"
files >"$root/home/before"

step "installation"
inside apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends /home/kabelwerk.deb >/dev/null

step "first command"
expect Motoko kabelwerk --sandbox users create --key kusanagi --name Motoko
expect updated python3 /home/kabelwerk.pyz --sandbox users ensure --key kusanagi --name Motoko -o json

step "a workbook"
inside python3 - <<'PYTHON'
import zipfile

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
rows = "".join(
    "<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>"
    for row in (("key", "name"), ("batou", "Batou"))
)
parts = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default '
    'Extension="xml" ContentType="application/xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
    f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="Users" '
    'sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship '
    f'Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>'
    "</worksheet>",
}
with zipfile.ZipFile("/home/users.xlsx", "w") as book:
    for name, text in parts.items():
        book.writestr(name, text)
PYTHON
expect created kabelwerk --sandbox users create --from /home/users.xlsx
expect updated python3 /home/kabelwerk.pyz --sandbox users update --from /home/users.xlsx
expect Batou kabelwerk --sandbox sandbox show users

step "man pages and completions"
expect kabelwerk-batches man -w kabelwerk-users-create kabelwerk-batches
expect create bash -c '. /usr/share/bash-completion/bash_completion
_comp_load kabelwerk 2>/dev/null || __load_completion kabelwerk
COMP_WORDS=(kabelwerk users "") COMP_CWORD=2 COMP_LINE="kabelwerk users " COMP_POINT=16
"$(complete -p kabelwerk | sed "s/.*-F \([^ ]*\).*/\1/")" kabelwerk "" users
echo "${COMPREPLY[@]}"'
expect kabelwerk zsh -c 'autoload -U compinit; compinit -u; print ${_comps[kabelwerk]}'
expect create fish -c "complete -C 'kabelwerk users '"

step "a served sandbox"
expect "token  *ok" sh -c 'kabelwerk sandbox serve --port 8123 --db /home/served.db --token any >/dev/null 2>&1 &
    server=$!
    export KABELWERK_URL=http://127.0.0.1:8123 KABELWERK_API_TOKEN=any
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        kabelwerk doctor >/dev/null 2>&1 && break
        sleep 0.5
    done
    kabelwerk doctor
    kill $server'

step "times"
python=$(inside python3 -c 'import sys; print("{}.{}".format(*sys.version_info))')
python3 -m pip download -q --no-deps --require-hashes --only-binary :all: --python-version "$python" \
    -r "$tools/../locks/bundle.txt" -d "$root/home/wheels"
cp "$dist"/*.whl "$root/home/wheels"
inside python3 -m venv /home/venv
inside sh -c '/home/venv/bin/pip install -q --no-index --no-deps /home/wheels/*.whl'
inside python3 /home/compare_starts.py 1.1 /home/venv/bin/kabelwerk /usr/bin/kabelwerk \
    "/usr/bin/python3 /home/kabelwerk.pyz"

step "remove and purge"
inside apt-get remove -y -qq -o Dpkg::Use-Pty=0 kabelwerk >/dev/null
files | diff "$root/home/before" -
inside apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends /home/kabelwerk.deb >/dev/null
inside apt-get purge -y -qq -o Dpkg::Use-Pty=0 kabelwerk >/dev/null
files | diff "$root/home/before" -
! inside dpkg -s kabelwerk 2>/dev/null
step "nothing is left"
