# @summary The URL of a folder that Puppet can fetch files from, with or without a slash at its end.
# @api private
type Common::Url = Pattern[/\A(puppet:\/\/[^\/\s?#]*|https?:\/\/[^\/\s?#]+|file:\/\/)(\/+[^\/\s?#]+)+\/*\z/]
