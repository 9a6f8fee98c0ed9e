#!/usr/bin/env bash
# Checks the status page's files, and tests it in Chromium with the daemon that build/test has.
#   tests/page/run.sh [REGEX]   only the tests whose name matches
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Beside the build, so that what npm brings lies in no folder of the source.
work=build/page
mkdir -p $work
rm -rf $work/page
cp -r tests/page/. $work
cp -r src/admin/page $work/page
ECHO_PROGRAMS=$PWD/build/test
export ECHO_PROGRAMS
cd $work
if ! cmp -s package-lock.json .installed; then
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json .installed
fi
# As the browser gets it: one script, whose parts use each other.
sed -n 's/.*<script src="\(.*\.js\)".*/\1/p' page/page.html | (cd page && xargs cat) >page.js
npx eslint --max-warnings 0 ./*.mjs page.js
npx html-validate --config htmlvalidate.json page/page.html
node --test --test-reporter spec --test-name-pattern "${1:-.}" page.test.mjs | tee results
sed -nE 's/^ℹ pass ([0-9]+)$/checked \1 tests/p' results
