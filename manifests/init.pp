# @summary The root of the module's namespace; it manages nothing.
#
# The module's work is done by `common::again` (run Puppet again after this run), `common::again::delta` (the same, some time
# later), `common::again::when` (the same, as soon as something is there) and `common::vardir` (the folder that they use). Including this
# class is harmless and has no effect.
#
# @example Nothing happens
#   include common
class common {
}
