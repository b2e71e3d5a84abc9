# @summary The URL of a folder from which Puppet can fetch files.
#
# `puppet:` with or without a server, `http:`, `https:`, or `file:` with three slashes; at least one name in its path; no blank, `?` or `#`.
# One or more slashes may stand at the end.
type Common::Url = Pattern[/\A(puppet:\/\/[^\/\s?#]*|https?:\/\/[^\/\s?#]+|file:\/\/)(\/+[^\/\s?#]+)+\/*\z/]
