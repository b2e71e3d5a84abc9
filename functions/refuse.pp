# @summary Fails the compilation, or only warns if the site has asked for that.
#
# @param why
#   One sentence for people: what is not supported here, and either what is supported or what to do.
#
# @return
#   The sentence, unless the compilation has failed.
#
# @api private
function common::refuse(String $why) >> String {
  unless common::unsupported() == 'warn' {
    fail($why)
  }

  warning($why)
  $why
}
