#!/usr/bin/env bash
# Fetches the text of the bundled study: two packages of Debian 12, of which
# nothing is installed and nothing is committed.
#
#   worker/scripts/fetch_corpus.sh FOLDER
#
# leaves FOLDER/text/gcide.txt and FOLDER/text/anarchism.txt, about 51 MB; then
#
#   bitbudget-train prepare --vocabulary 128 --output tokens.bin FOLDER/text
#
# Downloads 22 MB by apt-get download; needs dpkg-deb, gzip and python3.
set -euo pipefail

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

[[ $# == 1 ]] || fail "usage: fetch_corpus.sh FOLDER"
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
cd "$1"

# Package, version, file, SHA-256. Other versions would be another study.
fetch() {
  local package=$1 version=$2 file=$3 checksum=$4
  if [[ ! -f $file ]]; then
    apt-get download "$package=$version" ||
      fail "cannot download $package $version; run apt-get update, on Debian 12"
  fi
  printf '%s  %s\n' "$checksum" "$file" | sha256sum --check --quiet ||
    fail "$file is not the file of the study; delete it and try again"
  dpkg-deb --extract "$file" packages
}

fetch dict-gcide 0.48.5+nmu2 dict-gcide_0.48.5+nmu2_all.deb \
  7b0af5cfde3cbdef5e9d6e78f92ec335ced7c2790f37a40f49bebc6f7347ac0f
fetch anarchism 15.3-3 anarchism_15.3-3_all.deb \
  cf21c10948b00e923c62eb31c39a3390413fa26c5ee0e3b925feb0ec7fe42948

mkdir -p text
# dictzip files are gzip files.
gzip --decompress --stdout packages/usr/share/dictd/gcide.dict.dz >text/gcide.txt
python3 "$scripts/html_to_text.py" packages/usr/share/doc/anarchism/html >text/anarchism.txt
rm -r packages
wc --bytes text/*.txt
