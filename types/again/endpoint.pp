# @summary A TCP port of a host that can be waited for: `HOST:PORT` with a name or an IPv4 address, or `[IPv6]:PORT`.
#
# The port is a decimal number from 1 to 65535, without leading zeros.
type Common::Again::Endpoint = Pattern[
  /\A[^\s:\[\]\/%-][^\s:\[\]\/%]{0,252}:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])\z/,
  /\A\[(?=[^\]]*:)[0-9A-Fa-f:.]+(%[\w.-]+)?\]:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])\z/,
]
