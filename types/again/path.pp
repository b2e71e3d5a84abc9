# @summary An absolute path that can be waited for, without newline or NUL.
type Common::Again::Path = Pattern[/\A\/[^\n\0]*\z/]
