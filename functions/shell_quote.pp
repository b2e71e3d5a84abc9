# @summary Quotes a string so that a POSIX shell reads it as exactly one word.
#
# Puppet's own `shellquote` won't do: it writes `\!` between double quotes where a string holds both `!` and `'`,
# and a POSIX shell keeps that backslash.
#
# @param word
#   Any text. A text of only characters that no shell treats specially is returned as it is.
#
# @return [String]
#   The word, quoted where it needs to be.
#
# @example A word with a quote in it
#   common::shell_quote("it's") # 'it'\''s'
#
# @api private
function common::shell_quote(String $word) >> String {
  if $word =~ /\A[A-Za-z0-9_@%+=:,.\/-]+\z/ {
    $word
  } else {
    $inside = regsubst($word, "'", "'\\\\''", 'G')
    "'${inside}'"
  }
}
