#!/bin/sh
# Checks all that Puppet reads: syntax, style, metadata, the compiled catalogs, and REFERENCE.md against its sources.
#
#   scripts/catalog.sh               all checks; exit 0 only if every one of them passed
#   scripts/catalog.sh --reference   writes REFERENCE.md anew
#
# Needs Ruby with Bundler and no root. The gems of Gemfile.lock go to vendor/bundle, once.
set -eu
cd "$(dirname "$0")/.."

export BUNDLE_PATH=vendor/bundle BUNDLE_FROZEN=true

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
failed=

main() {
  case "${1-}" in
    '')
      ;;
    --reference)
      install_gems
      reference REFERENCE.md
      exit
      ;;
    *)
      echo "catalog.sh: unknown argument '$1': give --reference or nothing." >&2
      exit 64
      ;;
  esac

  step 'Gems' install_gems
  [ -z "$failed" ] || exit 1
  step 'Puppet syntax (puppet parser validate)' our_puppet parser validate manifests functions types examples
  step 'Plan syntax (puppet parser validate --tasks)' our_puppet parser validate --tasks plans
  step 'Template syntax (puppet epp validate)' our_puppet epp validate templates/*.epp
  step 'Puppet style (puppet-lint)' bundle exec puppet-lint manifests functions types examples plans
  step 'metadata.json (metadata-json-lint)' bundle exec metadata-json-lint --fail-on-warnings metadata.json
  step 'Ruby style (RuboCop)' bundle exec rubocop
  step 'Catalogs (rspec-puppet)' bundle exec rspec
  step 'The fact (rspec)' bundle exec rspec --pattern 'spec/unit-ruby/**/*_spec.rb'
  step 'REFERENCE.md (puppet strings)' reference_is_fresh

  if [ -n "$failed" ]; then
    printf '\nFailed:%s\n' "$failed" >&2
    exit 1
  fi
  printf '\nAll checks of the catalog passed.\n'
}

# step HEADING COMMAND...: runs the command under its heading, and remembers the heading if it fails.
step() {
  heading=$1
  shift
  printf '\n== %s\n' "$heading"
  "$@" || failed="$failed
  $heading"
}

install_gems() {
  bundle check || bundle install --jobs 4
}

# Puppet with none of this machine's configuration, and with nothing written to its folders.
our_puppet() {
  bundle exec puppet "$@" --confdir "$scratch/conf" --vardir "$scratch/var"
}

reference() {
  our_puppet strings generate --format markdown --out "$1"
}

reference_is_fresh() {
  reference "$scratch/REFERENCE.md" || return
  diff -u REFERENCE.md "$scratch/REFERENCE.md" && return
  echo 'REFERENCE.md is stale: run scripts/catalog.sh --reference.' >&2
  return 1
}

main "$@"
