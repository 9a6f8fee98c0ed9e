#!/usr/bin/env bash
# clang-tidy in place of a compiler: the compiler launcher of the preset tidy. Ninja calls it as it would call the
# compiler, for files that CMake has joined:
#   tidy.sh COMPILER FLAG... -o OBJECT -c SOURCE
#
# Most of clang-tidy's time goes into the headers of the standard library, so several files are read as one. They are
# written one after the other into a single file, rather than included by it, because checks and analyzer look closer at
# the file that they were given than at what it includes. What they find is reported where it stands.
#
# A verdict without findings is remembered for all that it depends on, wherever the project lies, in a folder of the
# user's: $XDG_CACHE_HOME/tcp-echo/tidy, by default ~/.cache/tcp-echo/tidy. It may be deleted at any time.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
compiler=$1
command=("${@:2}")
source=${command[-1]}

# The flags without those that say what becomes of the result.
flags=() object='' depfile=''
for ((i = 0; i < ${#command[@]} - 2; i++)); do
  case ${command[i]} in
    -o) object=${command[++i]} ;;
    -MF) depfile=${command[++i]} ;;
    -MT) ((++i)) ;;
    -MD) ;;
    *) flags+=("${command[i]}") ;;
  esac
done

mapfile -t files < <(case $source in
  */Unity/*) sed -n 's/^#include "\(.*\)"$/\1/p' "$source" ;;
  *) echo "$source" ;;
esac)

joined=$PWD/${object%.o}.joined.cpp
for file in "${files[@]}"; do
  printf '#line 1 "%s"\n' "$file"
  cat "$file"
done >"$joined"
for file in "${files[@]}"; do flags+=("-iquote$(dirname "$file")"); done

# The rules are those of the folder that the files are in.
rules=$(dirname "${files[0]}")
until [ -e "$rules/.clang-tidy" ]; do rules=$(dirname "$rules"); done
rules=$rules/.clang-tidy

# These look for what a file has twice or does not use, which among joined files says nothing. A file is read again by
# itself where it includes something twice, or gives a name to what it never calls by that name.
alone='readability-duplicate-include,misc-unused-using-decls,misc-unused-alias-decls'
may_fail_alone() {
  local naming='^ *using [A-Za-z_:]+::[A-Za-z_]+;|^ *namespace [A-Za-z_]+ = ' name
  [ -z "$(grep '^#include' "$1" | sort | uniq -d)" ] || return 0
  # shellcheck disable=SC2013  # names have no blanks
  for name in $(grep -oE "$naming" "$1" | sed -E 's/^ *namespace (.*) = /\1/; s/.*::(.*);/\1/'); do
    grep -vE "$naming" "$1" | sed 's,//.*,,' | grep -qE "(^|[^A-Za-z_:])$name\b" || return 0
  done
  return 1
}

# Names the file and the line that a line of the joined file came from.
name_origin() {
  awk -v joined="$joined" '
    /^[0-9]+ warnings? generated\.$/ { next }  # and left out, for they are in the headers of others
    FNR == NR { if (/^#line 1 "/) { start[++n] = FNR; split($0, part, "\""); file[n] = part[2] } next }
    index($0, joined ":") {
      at = index($0, joined ":"); rest = substr($0, at + length(joined) + 1); line = rest + 0
      for (i = n; start[i] > line;) --i
      sub(/^[0-9]+/, line - start[i], rest)
      $0 = substr($0, 1, at - 1) file[i] ":" rest
    }
    { print }' "$joined" -
}

read_files() {
  local ok=yes file
  clang-tidy --quiet --config-file="$rules" --checks="-${alone//,/,-}" "$joined" -- "${flags[@]}" 2>&1 | name_origin || ok=no
  for file in "${files[@]}"; do
    may_fail_alone "$file" || continue
    clang-tidy --quiet --checks="-*,$alone" "$file" -- "${flags[@]}" 2>&1 || ok=no
  done
  [ $ok = yes ]
}

# All text there is, headers and comments included, and what else has a say; none of it names the folder.
key() {
  "$compiler" "${flags[@]}" -MD -MF "$depfile" -MT "$object" -E -frewrite-includes "$joined" -o "$joined.all" || return
  # For Ninja: a change in one of these calls for another look.
  sed -i "1s|:|: ${files[*]} $rules $root/.clang-tidy ${BASH_SOURCE[0]}|" "$depfile"
  { clang-tidy --version; cat "$root/.clang-tidy" "$rules" "${BASH_SOURCE[0]}"; printf '%s\n' "${flags[@]}"; cat "$joined.all"; } |
    sed "s|$root/||g" | sha256sum | cut -d ' ' -f 1
  rm "$joined.all"
}

verdicts=${XDG_CACHE_HOME:-${HOME:-}/.cache}/tcp-echo/tidy
verdict=$verdicts/$(key)
[ -e "$verdict" ] || read_files || exit 1
# Its time says when it was of use last: test.sh forgets those of long ago. Where nothing can be kept, all is read again.
{ mkdir -p "$verdicts" && : >"$verdict"; } 2>/dev/null || :
: >"$object"
