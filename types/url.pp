# @summary The URL of a folder from which Puppet can fetch files.
#
# `puppet:` with or without a server, `http:`, `https:`, or `file:` with three slashes; no blank, `?` or `#`. One or more slashes may stand at
# the end.
type Common::Url = Pattern[/\A(puppet:\/\/[^\/\s?#]*\/+[^\/\s?#]+|https?:\/\/[^\/\s?#]+|file:\/\/\/+[^\/\s?#]+)(\/+[^\/\s?#]+)*\/*\z/]
