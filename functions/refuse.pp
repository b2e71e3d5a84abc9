# @summary Fails the compilation, or warns where a site wants no more than that.
#
# @param why
#   One sentence for people: what is not supported here, and what is or what to do.
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
