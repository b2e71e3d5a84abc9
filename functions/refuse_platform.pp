# @summary Fails the compilation for an operating system or CPU without an executable, or only warns if the site has asked for that.
#
# @param platform
#   The operating system or CPU, as its fact names it.
#
# @return
#   The sentence, unless the compilation has failed.
#
# @api private
function common::refuse_platform(String $platform) >> String {
  common::refuse("The module common supports Linux on x86_64 (amd64) and aarch64 (arm64), not ${platform}.")
}
