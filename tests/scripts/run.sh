#!/bin/sh
# Tests of the scripts that a newcomer meets first. None of them installs or compiles anything.
#   tests/scripts/run.sh TEST
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

die() { echo "$*" >&2; exit 1; }
expect() { [ "$2" = "$3" ] || die "$1: expected \"$3\", got \"$2\""; }

# Which script serves a system that describes itself with these lines.
script_for() {
  printf '%s\n' "$@" >"$scratch/os-release"
  OS_RELEASE=$scratch/os-release sh -c '. "$1/requirements/lib.sh"; system_script' - "$root"
}

test_requirements_know_systems_by_whom_they_are_like() {
  expect Debian "$(script_for ID=debian)" debian
  expect 'Linux Mint' "$(script_for ID=linuxmint 'ID_LIKE="ubuntu debian"')" ubuntu
  expect 'Pop!_OS' "$(script_for ID=pop 'ID_LIKE="ubuntu debian"')" ubuntu
  expect Kali "$(script_for ID=kali ID_LIKE=debian)" debian
  expect Raspbian "$(script_for ID=raspbian ID_LIKE=debian)" debian
  expect AlmaLinux "$(script_for ID=almalinux 'ID_LIKE="rhel centos fedora"')" rocky
  expect 'a clone of RHEL' "$(script_for ID=eurolinux 'ID_LIKE="rhel fedora centos"')" rocky
  expect 'Oracle Linux' "$(script_for ID=ol ID_LIKE=fedora)" rocky
  expect 'Amazon Linux' "$(script_for ID=amzn ID_LIKE=fedora)" fedora
  expect postmarketOS "$(script_for ID=postmarketos ID_LIKE=alpine)" alpine
  expect 'Arch Linux' "$(script_for ID=arch)" ''
  expect 'Manjaro' "$(script_for ID=manjaro ID_LIKE=arch)" ''
}

# A copy of the scripts alone, in which neither a package nor a file could be installed or built unnoticed.
bare_checkout() {
  mkdir "$scratch/checkout" "$scratch/bin"
  for folder in requirements scripts bench; do
    mkdir "$scratch/checkout/$folder"
    cp "$root/$folder"/*.sh "$scratch/checkout/$folder"
  done
  cp "$root/run.sh" "$root/CMakePresets.json" "$scratch/checkout"
  cd "$scratch/checkout"
}

test_help_of_run_scripts_neither_installs_nor_builds() {
  bare_checkout
  for script in requirements/install.sh scripts/build.sh; do printf '#!/bin/sh\nexit 99\n' >"$script"; done
  for script in run.sh bench/run.sh; do
    for flag in --help -h; do
      text=$(sh "$script" --port 7 "$flag") || die "$script $flag failed"
      case $text in *"$script [OPTION...]"*) ;; *) die "$script $flag says: $text" ;; esac
    done
  done
  [ ! -e build ] || die 'something was built'
}

# In place of cmake and ninja: notes what is configured and from which folder, and whether an old cache was there.
stand_in_for_cmake() {
  cat >"$scratch/bin/cmake" <<'EOF'
#!/bin/sh
case $1 in
  --preset)
    cache=build/$2/CMakeCache.txt
    if [ -e "$cache" ]; then state=old; else state=no; fi
    echo "configured in $(pwd -P) with $state cache" >>"$LOG"
    : >"$cache" ;;
esac
EOF
  printf '#!/bin/sh\necho no work to do\n' >"$scratch/bin/ninja"
  chmod +x "$scratch/bin/cmake" "$scratch/bin/ninja"
  export PATH="$scratch/bin:$PATH" LOG="$scratch/log"
}

test_build_configures_afresh_in_a_folder_that_was_copied_or_moved() {
  bare_checkout
  stand_in_for_cmake
  scripts/build.sh release 2>/dev/null
  scripts/build.sh release 2>/dev/null
  here=$(pwd -P)
  expect 'two builds' "$(cat "$LOG")" "configured in $here with no cache"
  for how in 'cp -a' 'cp -r' mv; do
    : >"$LOG"
    cd "$scratch"
    $how checkout other
    cd other
    scripts/build.sh release 2>/dev/null
    expect "after $how" "$(cat "$LOG")" "configured in $(pwd -P) with no cache"
    cd "$scratch"
    if [ ! -d checkout ]; then mv other checkout; else rm -rf other; fi
  done
}

configure_with() {
  printf 'cmake_minimum_required(VERSION 3.22)\ninclude(cmake/defaults.cmake)\n' >"$scratch/script.cmake"
  (cd "$root" && cmake -DPROJECT_BINARY_DIR="$scratch" "-D$1" -P "$scratch/script.cmake" 2>&1)
}

test_a_built_in_default_that_is_not_possible_fails_when_configuring() {
  for good in PORT=7 WORKERS=auto WORKERS=16 IDLE_TIMEOUT=0 WATCHDOG=90s NODELAY=OFF IDLE_NOTICE=bye; do
    configure_with "TCP_ECHO_DEFAULT_$good" || die "$good is refused"
  done
  for bad in PORT=seven PORT=65536 PORT=-1 PORT= WORKERS=none WORKERS=0 IDLE_TIMEOUT=5 NODELAY=maybe LOG_LEVEL=loud PROT=7; do
    text=$(configure_with "TCP_ECHO_DEFAULT_$bad") && die "$bad is taken"
    case $text in *"TCP_ECHO_DEFAULT_${bad%%=*}: "*'; allowed: '*) ;; *) die "$bad: $text" ;; esac
  done
}

"$1"
