#!/bin/sh
# Checks all that Puppet reads: syntax, style, metadata, the compiled catalogs, and REFERENCE.md against its sources.
#
#   scripts/catalog.sh               all checks; exit 0 only if every one of them passed
#   scripts/catalog.sh --reference   writes REFERENCE.md
#   scripts/catalog.sh --metadata FILE
#                                    checks FILE, the metadata.json of a release, by its full path; says nothing but what is wrong with it
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
    --metadata)
      install_gems >/dev/null
      bundle exec metadata-json-lint --strict-dependencies --fail-on-warnings "$2" >&2
      exit
      ;;
    *)
      echo "catalog.sh: unknown argument '$1': give --reference, --metadata FILE or nothing." >&2
      exit 64
      ;;
  esac

  step 'Gems' install_gems
  [ -z "$failed" ] || exit 1
  # The steps of `bundle exec rake` (Rakefile), one by one: a check that fails does not hide the others, and each has its heading. Its `syntax` looks at the
  # plans, too; they are parsed here once more, by Puppet's own command.
  step 'The default of rake: all of the checks below' rake_runs validate lint rubocop check spec
  step 'Syntax, metadata.json, REFERENCE.md (rake validate)' bundle exec rake validate
  step 'Plan syntax (puppet parser validate --tasks)' our_puppet parser validate --tasks plans
  step 'Puppet style (rake lint)' bundle exec rake lint
  step 'Ruby style (rake rubocop)' bundle exec rake rubocop
  step 'Files (rake check)' bundle exec rake check
  step 'Catalogs (rake spec)' bundle exec rake spec

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

# rake_runs TASK...: succeeds if `bundle exec rake` alone, as a contributor types it, would run each of these.
rake_runs() {
  planned=$(bundle exec rake --dry-run 2>&1) || {
    printf '%s\n' "$planned" >&2
    return 1
  }
  for task in "$@"; do
    printf '%s\n' "$planned" | grep -Fqx "** Execute (dry run) $task" || {
      echo "\`bundle exec rake\` does not run \`$task\`: see the Rakefile" >&2
      return 1
    }
  done
}

install_gems() {
  bundle check 2>/dev/null || bundle install --jobs 4
}

# Puppet with none of this machine's configuration, and with nothing written to its folders.
our_puppet() {
  bundle exec puppet "$@" --confdir "$scratch/conf" --vardir "$scratch/var"
}

reference() {
  our_puppet strings generate --format markdown --out "$1"
}

main "$@"
